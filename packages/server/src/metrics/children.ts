/** One time series of a counter. */
export class Counter {
  /** The current total; read it in tests, change it by `inc`. */
  value = 0;

  /** Adds `by`, which must not be negative: the caller's duty, unchecked because this runs per request. */
  inc(by = 1): void {
    this.value += by;
  }
}

/** One time series of a gauge. */
export class Gauge {
  value = 0;

  set(value: number): void {
    this.value = value;
  }

  inc(by = 1): void {
    this.value += by;
  }

  dec(by = 1): void {
    this.value -= by;
  }
}

/** One time series of a classic histogram. */
export class Histogram {
  /** Observations per bucket, not cumulated; the last is the one above every bound. */
  readonly counts: Float64Array;
  sum = 0;
  readonly #bounds: Float64Array;

  /** @param bounds ascending upper bounds, without +Inf */
  constructor(bounds: Float64Array) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && !(value <= bounds[bucket]!)) bucket++;
    this.counts[bucket]!++;
    this.sum += value;
  }
}
