import { setFlagsFromString } from 'node:v8';

/**
 * How much bytecode of a function runs between two looks at whether to optimise it; V8's own number is 67,584. Taking in
 * samples spends its time in few functions, which are optimised either way; to optimise some hundred others, of which each
 * runs a little with every request, is a tenth of the CPU of the first seconds. A query runs a little of some hundred
 * functions, and a server gets each kind of query too seldom for V8's own number.
 */
const INGEST_BUDGET = 200_000;
const QUERY_BUDGET = 20_000;
/** What a request runs but once needs some hundred of them with that number. */
const REPEATED_BUDGET = 2000;

/** V8 13 (Node 24) counts calls instead, and would complain on standard error. */
const hasBudget = Number.parseInt(process.versions.v8, 10) < 13;

let hasQueries = false;
let budgetNow = 0;

/** For a server that has answered no query yet: only what runs very often is optimised. */
export function optimiseLate(): void {
  if (!hasQueries) setBudget(INGEST_BUDGET);
}

/** From the first query on. */
export function optimiseForQueries(): void {
  hasQueries = true;
  setBudget(QUERY_BUDGET);
}

/** As for queries, until `optimiseAsBefore`. */
export function optimiseForNow(): void {
  setBudget(QUERY_BUDGET);
}

/** What is run again and again now is what every query runs; until `optimiseAsBefore`. */
export function optimiseRepeated(): void {
  setBudget(REPEATED_BUDGET);
}

export function optimiseAsBefore(): void {
  setBudget(hasQueries ? QUERY_BUDGET : INGEST_BUDGET);
}

function setBudget(budget: number): void {
  if (!hasBudget || budget === budgetNow) return;
  budgetNow = budget;
  setFlagsFromString(`--interrupt-budget=${budget}`);
}
