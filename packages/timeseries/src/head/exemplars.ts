import type { Labels } from '@opendata/promql';
import type { SeriesHolder } from './forgetting.ts';

/** An observation that stands for others, with labels of its own such as a trace's id. */
export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  readonly timestampMs: number;
}

/** Most characters of an exemplar's label names and values together, as OpenMetrics has it. */
export const MAX_EXEMPLAR_LABEL_CHARACTERS = 128;

interface HeldExemplar extends Exemplar {
  /** The journal lane that has it; 0 where it is in a block. */
  readonly lane: number;
}

/** The newest exemplars, up to a number of them; where there are more, those go that came first. */
export class ExemplarRing {
  readonly #capacity: number;
  /** Series of each exemplar in order of arrival; the oldest is at `#next` once the ring is full. */
  readonly #arrivals: number[] = [];
  #next = 0;
  readonly #bySeries = new Map<number, HeldExemplar[]>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Series with exemplars stay. */
  readonly holdSeries: SeriesHolder = (mark) => {
    for (const series of this.#bySeries.keys()) mark(series);
  };

  get count(): number {
    return this.#arrivals.length;
  }

  /** Whether `add` would keep the exemplar: it is newer than the series' others, and its labels are short. */
  accepts(series: number, { labels, timestampMs }: Exemplar): boolean {
    let characters = 0;
    for (const text of labels) for (const _character of text) characters++;
    if (characters > MAX_EXEMPLAR_LABEL_CHARACTERS || this.#capacity === 0) return false;
    const newest = this.#bySeries.get(series)?.at(-1);
    return newest === undefined || timestampMs > newest.timestampMs;
  }

  /**
   * Keeps an exemplar; false where it is not accepted.
   * @param lane the journal lane that has it; 0 where it is in a block
   */
  add(series: number, exemplar: Exemplar, lane: number): boolean {
    if (!this.accepts(series, exemplar)) return false;
    if (this.#arrivals.length < this.#capacity) this.#arrivals.push(series);
    else {
      this.#dropOldest(this.#arrivals[this.#next]!);
      this.#arrivals[this.#next] = series;
      this.#next = (this.#next + 1) % this.#capacity;
    }
    const known = this.#bySeries.get(series);
    const { labels, value, timestampMs } = exemplar;
    const held = { labels, value, timestampMs, lane };
    if (known === undefined) this.#bySeries.set(series, [held]);
    else known.push(held);
    return true;
  }

  /** A series' exemplars that the journal has in these lanes, in order of time. */
  ofLanes(series: number, lanes: ReadonlySet<number>): readonly Exemplar[] {
    const known = this.#bySeries.get(series);
    return known === undefined ? [] : known.filter(({ lane }) => lanes.has(lane));
  }

  series(): IterableIterator<number> {
    return this.#bySeries.keys();
  }

  /** A series' exemplars with times in `[startMs, endMs]`, in order of time. */
  between(series: number, startMs: number, endMs: number): readonly Exemplar[] {
    const known = this.#bySeries.get(series) ?? [];
    return known
      .filter(({ timestampMs }) => timestampMs >= startMs && timestampMs <= endMs)
      .map(({ labels, value, timestampMs }) => ({ labels, value, timestampMs }));
  }

  #dropOldest(series: number): void {
    const known = this.#bySeries.get(series)!;
    known.shift();
    if (known.length === 0) this.#bySeries.delete(series);
  }
}
