import type { Matcher } from '@opendata/promql';

const VALUES_PER_TURN = 1024;
/** A regular expression may take a millisecond for a value. */
const EXPENSIVE_VALUES_PER_TURN = 8;

/** Which of `count` values of the matcher's label a test accepts, ascending; gives the event loop its turns. */
export async function acceptedValues(
  count: number,
  { type }: Matcher,
  accepts: (index: number) => boolean,
  yielder: () => Promise<void>,
): Promise<number[]> {
  const perTurn = type === '=~' || type === '!~' ? EXPENSIVE_VALUES_PER_TURN : VALUES_PER_TURN;
  const accepted: number[] = [];
  for (let i = 0; i < count; i++) {
    if (i % perTurn === 0) await yielder();
    if (accepts(i)) accepted.push(i);
  }
  return accepted;
}
