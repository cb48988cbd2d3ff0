/** An idle connection: longer than the minute after which load balancers drop one, so that they close first. */
export const KEEP_ALIVE_MS = 75_000;
/** For the head of a request. */
export const HEAD_MS = 30_000;
/** For a whole request with its body, unless its route takes a stream. */
export const REQUEST_MS = 300_000;
/** How often late requests are looked for. */
export const CHECK_INTERVAL_MS = 5000;
