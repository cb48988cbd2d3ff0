import { type Labels, labelsKey } from '@opendata/promql';
import type { Block } from '../block/block.ts';
import type { SeriesPage } from '../block/index/series-page.ts';

const SERIES_PER_TURN = 128;

/**
 * One label array for each label set that was read, so that the head's and all blocks' parts of a series are found
 * together by identity. What a block's series are called is worked out once.
 */
export class SeriesIdentities {
  readonly #byKey = new Map<string, Labels>();
  readonly #ofHead = new WeakMap<Labels, Labels>();
  /** By block: labels by series. */
  readonly #ofBlocks = new Map<number, (Labels | undefined)[]>();

  /** Label sets that are known. */
  get count(): number {
    return this.#byKey.size;
  }

  intern(labels: Labels): Labels {
    const key = labelsKey(labels);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    this.#byKey.set(key, labels);
    return labels;
  }

  /** `intern` for arrays that come again, as the head's. */
  ofHead(labels: Labels): Labels {
    let known = this.#ofHead.get(labels);
    if (known === undefined) {
      known = this.intern(labels);
      this.#ofHead.set(labels, known);
    }
    return known;
  }

  /** Labels of series of a block, which are ascending numbers, in their order. */
  async ofBlock(
    block: Block,
    series: Uint32Array,
    yielder: () => Promise<void>,
    signal?: AbortSignal,
  ): Promise<Labels[]> {
    let known = this.#ofBlocks.get(block.id);
    if (known === undefined) {
      known = new Array<Labels | undefined>(block.descriptor.seriesCount);
      this.#ofBlocks.set(block.id, known);
    }
    const { index } = block;
    const readValue = index.valueReader(signal);
    const found: Labels[] = [];
    let page: { readonly page: SeriesPage; readonly first: number } | undefined;
    for (let i = 0; i < series.length; i++) {
      const number = series[i]!;
      let labels = known[number];
      if (labels === undefined) {
        if (page === undefined || number >= page.first + page.page.count) page = await index.seriesPage(number, signal);
        const { starts, pairs } = page.page;
        const place = number - page.first;
        const own: string[] = [];
        for (const pair of pairs.slice(starts[place]!, starts[place + 1]!).sort()) {
          const value = readValue(pair);
          own.push(index.nameOf(pair), typeof value === 'string' ? value : await value);
        }
        labels = this.intern(own);
        known[number] = labels;
        if (i % SERIES_PER_TURN === 0) await yielder();
      }
      found.push(labels);
    }
    return found;
  }

  /** Forgets all other blocks. */
  keepBlocks(blocks: readonly Block[]): void {
    if (this.#ofBlocks.size <= blocks.length) return;
    const ids = new Set(blocks.map(({ id }) => id));
    for (const id of this.#ofBlocks.keys()) if (!ids.has(id)) this.#ofBlocks.delete(id);
  }
}
