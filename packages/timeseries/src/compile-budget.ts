import { setFlagsFromString } from 'node:v8';

/**
 * How much bytecode of a function runs between two looks at whether to optimise it: V8's own number, and the one for a
 * server that has answered no query yet. Taking in samples spends its time in few functions, which are optimised
 * either way; to optimise some hundred others, of which each runs a little with every request, is a tenth of
 * the CPU of the first seconds. Queries run too seldom for that: they need V8's own number.
 */
const USUAL_BUDGET = 67_584;
const INGEST_BUDGET = 200_000;

/** For a server that starts: only what runs very often is optimised. */
export function optimiseLate(): void {
  setFlagsFromString(`--interrupt-budget=${INGEST_BUDGET}`);
}

/** From the first query on. */
export function optimiseAsUsual(): void {
  setFlagsFromString(`--interrupt-budget=${USUAL_BUDGET}`);
}
