/** A label set that cannot name a series: nothing of the request that brought it was stored. */
export class InvalidSeriesError extends Error {
  override readonly name = 'InvalidSeriesError';
}

/** A sample that cannot be stored (its timestamp): nothing of the request that brought it was stored. */
export class InvalidSampleError extends Error {
  override readonly name = 'InvalidSampleError';
}

/** A budget of memory is used up: nothing was stored, and the same request may succeed later. */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError';
}
