import type { BlockDescriptor } from './index/descriptor.ts';

const METRIC_NAME = '__name__';
const BUCKET_LABEL = 'le';

interface PairRange {
  readonly first: number;
  readonly behind: number;
}

/**
 * Which series are better off in one page: the buckets of a histogram, which are predicted from the first of them, and
 * those of a metric with the counts behind them, which have the values of the first buckets and are then stored once.
 * Series come in the order of a block.
 */
export class PageBreaks {
  readonly #names: PairRange;
  readonly #buckets: PairRange;
  /** The newest metric with buckets, and the metric behind it; -1 for none. */
  #bucketMetric = -1;
  #countMetric = -1;
  /** What the series shares with all that stay together with it; 0 for none. */
  family = 0;
  /** The series goes on with the histogram of the series before it. */
  isWithinHistogram = false;

  constructor(names: BlockDescriptor['names'], pairCount: number) {
    this.#names = pairsOf(METRIC_NAME, names, pairCount);
    this.#buckets = pairsOf(BUCKET_LABEL, names, pairCount);
  }

  /** Looks at the next series: the numbers of its `keyLength` pairs. */
  next(key: Uint32Array, keyLength: number): void {
    const metric = pairIn(this.#names, key, keyLength);
    const bucket = pairIn(this.#buckets, key, keyLength);
    if (bucket >= 0 && metric !== this.#bucketMetric) {
      this.#bucketMetric = metric;
      this.#countMetric = -1;
    } else if (bucket < 0 && metric !== this.#bucketMetric) {
      if (this.#countMetric < 0) this.#countMetric = metric;
      if (metric !== this.#countMetric) this.#bucketMetric = -1;
    }
    this.family = this.#bucketMetric + 1;
    // le="+Inf" is the first pair of its name.
    this.isWithinHistogram = bucket > this.#buckets.first;
  }
}

function pairsOf(name: string, names: BlockDescriptor['names'], pairCount: number): PairRange {
  const place = names.findIndex((entry) => entry.name === name);
  if (place < 0) return { first: 0, behind: 0 };
  return { first: names[place]!.firstPair, behind: names[place + 1]?.firstPair ?? pairCount };
}

function pairIn({ first, behind }: PairRange, key: Uint32Array, keyLength: number): number {
  for (let i = 0; i < keyLength; i++) if (key[i]! >= first && key[i]! < behind) return key[i]!;
  return -1;
}
