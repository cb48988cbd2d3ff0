import type { Exemplar } from '../head/exemplars.ts';
import type { SeriesSamples } from './merge-samples.ts';

/** Label pairs of one name, in the order of a block. */
export interface NamedValues {
  readonly values: readonly string[];
  /** The source's number of each pair. */
  readonly pairs: Uint32Array;
}

/** What a block can be written from: heads of windows, or other blocks. */
export interface BlockSource {
  readonly seriesCount: number;
  readonly sampleCount: number;
  /** The source's numbers of pairs are below this. */
  readonly pairLimit: number;
  /** Names of labels, sorted. */
  names(): readonly string[];
  values(name: string): Promise<NamedValues>;
  /**
   * Starts to read series by series, in the order of the new block.
   * @param numbers number in the new block of each of the source's pairs
   */
  open(numbers: Uint32Array): Promise<SeriesCursor>;
}

/** One series after the other. */
export interface SeriesCursor {
  /** The pairs of the series, by their numbers in the new block, `le` last; the first `keyLength` count. */
  readonly key: Uint32Array;
  readonly keyLength: number;
  /** Moves to the next series; false where there is none. */
  advance(): boolean | Promise<boolean>;
  /** The samples of the series, none where it has none. The arrays may be used again after the next `advance`. */
  read(): SeriesSamples | Promise<SeriesSamples>;
  exemplars(): readonly Exemplar[];
}

/** Order of two keys. */
export function compareKeys(a: SeriesCursor, b: SeriesCursor): number {
  const length = Math.min(a.keyLength, b.keyLength);
  const keyA = a.key;
  const keyB = b.key;
  for (let i = 0; i < length; i++) {
    const order = keyA[i]! - keyB[i]!;
    if (order !== 0) return order;
  }
  return a.keyLength - b.keyLength;
}
