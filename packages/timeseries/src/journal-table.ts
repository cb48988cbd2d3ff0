const MIB = 1024 * 1024;
const LEAST_BYTES = 16 * MIB;
const MOST_BYTES = 128 * MIB;
const BUDGET_SHARE = 1 / 16;

/**
 * Size of the storage's table in memory: the more of the journal it holds until its windows are sealed, the less of it
 * is ever written to a sorted file, from which it takes long to go. Bytes, from the budget of the head.
 */
export function journalTableBytes(headBudgetBytes: number): number {
  return Math.min(MOST_BYTES, Math.max(LEAST_BYTES, Math.floor(headBudgetBytes * BUDGET_SHARE)));
}
