import { expect, it } from 'vitest';
import { runScript } from './run.ts';

/** Asked as ranges of one step: instant queries are run again with all times pinned, which here is another query. */
const DATA = `
load 1m
  m{instance="i",job="j"}           1x30
  n{instance="i",job="j",k="1"}     1x30
  target_info{instance="i",job="j",version="1"} 1x5 stale
  target_info{instance="i",job="j",version="2"} _x6 1x5 stale
  target_info{instance="i",job="j",version="3"} _x12 1x5 stale
`;

/** An expression, and the version whose labels it gets 10 minutes after the start: 1 is that of five minutes before. */
const VERSIONS: readonly (readonly [expr: string, version: number])[] = [
  ['n', 2],
  ['n offset 5m', 1],
  ['(n offset 5m) or (m offset 5m)', 1],
  ['(n offset 5m) or m', 2],
  ['n or (m offset 5m)', 2],
  ['(n offset 5m) unless on (job) none', 2],
  ['(n offset 5m) or (m or (m offset 5m))', 2],
  ['(n @ 300) or (m @ 600 offset 5m)', 1],
  ['(n @ 300) or (m offset 5m)', 2],
  ['scalar(m) * (n offset 5m)', 1],
  ['scalar(m offset 5m) * n', 2],
  ['time() * 0 + n @ 900', 3],
  ['vector(1) + on () group_right () (n offset 5m)', 2],
  ['(n offset 5m) unless on (k) absent(none offset 5m)', 1],
  ['quantile_over_time(scalar(m), n[5m] offset 5m)', 1],
  ['max_over_time((n offset 2m)[5m:1m] offset 3m)', 1],
  ['max_over_time(n[5m:1m] @ 900)', 3],
  ['max_over_time((n or (m offset 5m))[5m:1m] @ 900)', 2],
  ['max_over_time((n @ 300)[5m:1m] @ 900)', 1],
];

it.each(VERSIONS)(
  'info(%s) has the labels of the time at which all vectors are read, or of the evaluation',
  async (expr, version) => {
    const query = `max by (version) (info(${expr})) * 0`;
    const outcomes = await runScript(
      `${DATA}\neval range from 10m to 10m step 1m ${query}\n  {version="${version}"} 0\n`,
    );
    expect(outcomes.map(({ problems }) => problems)).toEqual([[]]);
  },
);
