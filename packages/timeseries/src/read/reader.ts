import type { Labels, SelectRequest, SeriesColumns } from '@opendata/promql';
import { isStorageError } from '@opendata/storage';
import type { BlockSet } from '../block/block-set.ts';
import type { Head } from '../head/head.ts';
import type { LabelRequest } from '../head/label-queries.ts';
import { viewLabelNames, viewLabelValues, viewSeries } from './label-queries.ts';
import { selectFromView } from './select.ts';
import { SeriesIdentities } from './series-identities.ts';
import type { ReadView } from './view.ts';

/** Label sets of blocks that are remembered; with the next read over this the reader starts anew. */
const MAX_IDENTITIES = 100_000;
/** A block may be replaced while it is read, and its pages go a minute later. */
const ATTEMPTS = 3;

/** Reads over the head and the blocks, as they are at one moment. */
export class Reader {
  readonly #head: Head;
  readonly #blocks: BlockSet;
  #identities = new SeriesIdentities();

  constructor(head: Head, blocks: BlockSet) {
    this.#head = head;
    this.#blocks = blocks;
  }

  select(request: SelectRequest): Promise<SeriesColumns[]> {
    return this.#read(request, (view) => selectFromView(view, request));
  }

  series(request: LabelRequest): Promise<Labels[]> {
    return this.#read(request, (view) => viewSeries(view, request));
  }

  labelNames(request: LabelRequest): Promise<string[]> {
    return this.#read(request, (view) => viewLabelNames(view, request));
  }

  labelValues(name: string, request: LabelRequest): Promise<readonly string[]> {
    return this.#read(request, (view) => viewLabelValues(view, name, request));
  }

  async #read<T>(
    { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
    read: (view: ReadView) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const windows = this.#head.windowsBetween(startMs, endMs);
      for (const window of windows) window.retain();
      const leave = this.#head.reads.enter();
      try {
        return await read({
          head: this.#head,
          windows,
          blocks: this.#blocks.list().filter((block) => block.overlaps(startMs, endMs)),
          identities: this.#currentIdentities(),
        });
      } catch (error) {
        const wasRemoved = isStorageError(error) && error.code === 'not_found';
        if (!wasRemoved || attempt === ATTEMPTS) throw error;
      } finally {
        leave();
        for (const window of windows) window.release();
      }
    }
  }

  #currentIdentities(): SeriesIdentities {
    if (this.#identities.count > MAX_IDENTITIES) this.#identities = new SeriesIdentities();
    else this.#identities.keepBlocks(this.#blocks.list());
    return this.#identities;
  }
}
