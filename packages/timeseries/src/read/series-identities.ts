import { type Labels, labelsKey, type Matcher } from '@opendata/promql';
import type { Block } from '../block/block.ts';
import type { SeriesPage } from '../block/index/series-page.ts';
import { matchBlock } from '../block/match-block.ts';

const SERIES_PER_TURN = 32;
/** Series in the answers that are remembered. */
const MAX_MATCHED = 250_000;
const MATCHED_OVERHEAD = 16;
const MAX_KEY_CHARACTERS = 4096;

/** Series of a block, ascending, and what they are called. */
export interface MatchedSeries {
  readonly series: Uint32Array;
  readonly labels: readonly Labels[];
}

/**
 * One label array for each label set that was read, so that the head's and all blocks' parts of a series are found
 * together by identity. What a block's series are called is worked out once.
 */
export class SeriesIdentities {
  readonly #byKey = new Map<string, Labels>();
  readonly #ofHead = new WeakMap<Labels, Labels>();
  /** By block: labels by series. */
  readonly #ofBlocks = new Map<number, (Labels | undefined)[]>();
  /** By block and matchers, the latest used last. */
  readonly #matched = new Map<string, MatchedSeries>();
  #matchedCount = 0;

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

  /** The series of a block that match all matchers. Blocks do not change, so the answer is remembered. */
  async matching(
    block: Block,
    matchers: readonly Matcher[],
    yielder: () => Promise<void>,
    signal?: AbortSignal,
  ): Promise<MatchedSeries> {
    const key = matchedKey(block, matchers);
    const known = this.#matched.get(key);
    if (known !== undefined) {
      this.#matched.delete(key);
      this.#matched.set(key, known);
      return known;
    }
    const series = await matchBlock(block.index, matchers, signal);
    const matched = { series, labels: await this.ofBlock(block, series, yielder, signal) };
    if (key.length <= MAX_KEY_CHARACTERS && !this.#matched.has(key)) this.#remember(key, matched);
    return matched;
  }

  #remember(key: string, matched: MatchedSeries): void {
    this.#matched.set(key, matched);
    this.#matchedCount += matched.series.length + MATCHED_OVERHEAD;
    for (const [oldest, { series }] of this.#matched) {
      if (this.#matchedCount <= MAX_MATCHED) break;
      this.#matched.delete(oldest);
      this.#matchedCount -= series.length + MATCHED_OVERHEAD;
    }
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
      // As large as what was asked for: one of all series would be 8 bytes each, for every block that was ever read.
      known = [];
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
        if (page === undefined || number >= page.first + page.page.count) {
          page = await index.seriesPage(number, signal);
          await yielder();
        }
        const { starts, pairs } = page.page;
        const place = number - page.first;
        const own: string[] = [];
        for (const pair of pairs.slice(starts[place]!, starts[place + 1]!).sort()) {
          let value = readValue(pair);
          if (typeof value !== 'string') {
            // A page was decoded for it, and each label of the next series may be in another one.
            value = await value;
            await yielder();
          }
          own.push(index.nameOf(pair), value);
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

function matchedKey(block: Block, matchers: readonly Matcher[]): string {
  let key = `${block.id}`;
  for (const { name, type, value } of matchers) key += `,${name.length}:${name}${type}${value.length}:${value}`;
  return key;
}
