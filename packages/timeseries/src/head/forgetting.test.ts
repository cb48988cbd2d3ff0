import { compareStrings, type Labels, type Matcher } from '@opendata/promql';
import { createWriteRequestDecoder, encodeWriteRequest } from '@opendata/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Head } from './head.ts';
import { createKnownSeries } from './known-series.ts';
import { encodeLabels } from './label-bytes.ts';
import { matchSeries } from './match-series.ts';
import { UNKNOWN_SERIES } from './series-keys.ts';

const WINDOW_MS = 1000;
const ONE = { offset: Int32Array.of(1), value: Float64Array.of(1) };

function write(head: Head, startMs: number, series: number): void {
  const window = head.openWindow(startMs);
  const known = window.slotOf(series);
  const slot = known >= 0 ? known : window.addSlot(series);
  window.append(Uint32Array.of(slot), ONE.offset, ONE.value, 1);
}

const labels = fc
  .tuple(fc.constantFrom('up', 'down'), fc.nat(12), fc.constantFrom('', 'a', 'zone'))
  .map(([name, pod, extra]): Labels => {
    const pairs: [string, string][] = [
      ['__name__', name],
      ['pod', `pod-${pod}`],
    ];
    if (extra !== '') pairs.push([extra, 'x'.repeat(pod + 1)]);
    return pairs.sort(([a], [b]) => compareStrings(a, b)).flat();
  });
type Action =
  | { readonly kind: 'write'; readonly window: number; readonly labels: readonly Labels[]; readonly swapped: boolean }
  | { readonly kind: 'drop' | 'hold'; readonly window: number }
  | { readonly kind: 'round' };
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      window: fc.nat(3),
      labels: fc.array(labels, { minLength: 1, maxLength: 8 }),
      swapped: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('drop' as const, 'hold' as const), window: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'round' as const }) },
);

const matchers: readonly (readonly Matcher[])[] = [
  [],
  [{ name: '__name__', type: '=', value: 'up' }],
  [{ name: 'pod', type: '=~', value: 'pod-[0-5]' }],
  [{ name: 'zone', type: '!=', value: '' }],
  [
    { name: 'a', type: '=', value: '' },
    { name: 'pod', type: '!~', value: 'pod-1.*' },
  ],
];

function matches({ name, type, value }: Matcher, own: Labels): boolean {
  const at = own.findIndex((text, i) => i % 2 === 0 && text === name);
  const text = at < 0 ? '' : own[at + 1]!;
  const isEqual = type.includes('~') ? new RegExp(`^(?:${value})$`).test(text) : text === value;
  return type.startsWith('!') ? !isEqual : isEqual;
}

/** The same series in another order of labels, so that it has a key of its own. */
const swap = (own: Labels): string[] => [...own.slice(2), ...own.slice(0, 2)];
const keyOf = (own: Labels): string => JSON.stringify(own);

describe('Forgetting', () => {
  it('keeps what windows and holders have, and what is asked for, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const head = new Head(WINDOW_MS);
        const table = head.series;
        const windows = new Map<number, Set<string>>();
        const held = new Map<string, number>();
        head.forgetting.addHolder((mark) => {
          for (const series of held.values()) mark(series);
        });
        for (const step of actions) {
          if (step.kind === 'round') await head.forgetting.round(2);
          else if (step.kind === 'write') {
            const known = windows.get(step.window) ?? new Set();
            windows.set(step.window, known);
            for (const own of step.labels) {
              write(head, step.window * WINDOW_MS, table.resolveOne(encodeLabels(step.swapped ? swap(own) : own)));
              known.add(keyOf(own));
            }
          } else if (step.kind === 'drop') {
            windows.delete(step.window);
            const window = head.openedWindow(step.window * WINDOW_MS);
            if (window !== undefined) head.drop(window);
          } else {
            held.clear();
            for (const key of windows.get(step.window) ?? []) {
              held.set(key, table.resolveOne(encodeLabels(JSON.parse(key) as string[])));
            }
          }
          await check();
        }
        for (let i = 0; i < 2; i++) await head.forgetting.round(2);
        const left = new Set([...held.keys(), ...[...windows.values()].flatMap((keys) => [...keys])]);
        expect(table.count).toBe(left.size);
        const pairs = new Set([...left].flatMap((key) => pairsOf(JSON.parse(key) as string[])));
        expect(table.index.pairCount).toBe(pairs.size);
        expect(table.index.names().sort()).toEqual([...new Set([...pairs].map((pair) => pair.split('=')[0]!))].sort());
        await check();

        async function check(): Promise<void> {
          const live = new Set([...windows.values()].flatMap((keys) => [...keys]));
          for (const [key, series] of held) expect(table.labels(series)).toEqual(JSON.parse(key));
          for (const set of matchers) {
            const found = await matchSeries(table.index, table.limit, set);
            expect([...found].sort((a, b) => a - b)).toEqual([...found]);
            const names = [...found]
              .filter((series) => head.windows().some((window) => window.slotOf(series) >= 0))
              .map((series) => keyOf(table.labels(series)));
            const expected = [...live].filter((key) => set.every((each) => matches(each, JSON.parse(key) as string[])));
            expect(names.sort()).toEqual(expected.sort());
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('waits with numbers until those have left who were reading', async () => {
    const head = new Head(WINDOW_MS);
    const first = head.series.resolveOne(encodeLabels(['__name__', 'm', 'pod', 'first']));
    const pair = head.series.index.pairId('pod', 'first');
    await head.forgetting.round(2);
    const leaveBefore = head.reads.enter();
    const round = head.forgetting.round(2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(head.series.count).toBe(1);
    const leaveAfter = head.reads.enter();
    leaveBefore();
    await expect.poll(() => head.series.count).toBe(0);
    // Who came meanwhile may still have found it.
    expect(head.series.labels(first)).toEqual(['__name__', 'm', 'pod', 'first']);
    expect(head.series.index.valueOf(pair)).toBe('first');
    expect(head.series.resolveOne(encodeLabels(['__name__', 'm', 'pod', 'second']))).not.toBe(first);
    leaveAfter();
    expect(await round).toBe(1);
    expect(head.series.resolveOne(encodeLabels(['__name__', 'm', 'pod', 'third']))).toBe(first);
    expect(head.series.labels(first)).toEqual(['__name__', 'm', 'pod', 'third']);
  });

  it('saves a series that gets a sample while it is waited for readers', async () => {
    const head = new Head(WINDOW_MS);
    const series = head.series.resolveOne(encodeLabels(['__name__', 'm']));
    await head.forgetting.round(2);
    const leave = head.reads.enter();
    const round = head.forgetting.round(2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    write(head, 0, series);
    leave();
    expect(await round).toBe(0);
    expect(head.series.labels(series)).toEqual(['__name__', 'm']);
  });

  it('needs no more memory over many generations of series', async () => {
    const head = new Head(WINDOW_MS);
    const table = head.series;
    const known = createKnownSeries(table)!;
    const decode = createWriteRequestDecoder({ shortcut: known });
    const sizes: number[] = [];
    for (let generation = 0; generation < 30; generation++) {
      const body = encodeWriteRequest({
        series: Array.from({ length: 2000 }, (_, i) => ({
          labels: ['__name__', `metric_${i % 20}`, 'instance', 'i-1', 'pod', `pod-${100 + generation}-${1000 + i}`],
          samples: [{ timestampMs: 1_700_000_000_000, value: i }],
        })),
      });
      for (let scrape = 0; scrape < 3; scrape++) {
        const { memory, startBytes } = table.keys.arena!.bodies;
        new Uint8Array(memory.buffer).set(body, startBytes);
        const columns = decode(new Uint8Array(memory.buffer, startBytes, body.length));
        if (known.firstUnknown >= 0) {
          const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
          const { labelsStart, labelsEnd, seriesCount } = columns;
          table.createUnknown(view, labelsStart, labelsEnd, known.firstUnknown, seriesCount, known.series);
        }
        expect(known.series.subarray(0, 2000).includes(UNKNOWN_SERIES)).toBe(false);
        for (let i = 0; i < 2000; i += 97) {
          expect(table.labels(known.series[i]!)[5]).toBe(`pod-${100 + generation}-${1000 + i}`);
        }
        for (let i = 0; i < 2000; i++) write(head, generation * WINDOW_MS, known.series[i]!);
      }
      if (generation > 0) head.drop(head.openedWindow((generation - 1) * WINDOW_MS)!);
      await head.forgetting.round(2);
      await head.forgetting.round(2);
      expect(table.count).toBe(2000);
      sizes.push(table.memoryBytes + table.keys.arena!.bodies.memory.buffer.byteLength);
    }
    expect(table.created).toBe(60_000);
    expect(head.forgetting.forgotten).toBe(58_000);
    expect(Math.max(...sizes.slice(2))).toBeLessThanOrEqual(sizes[2]! * 1.01);
    expect(table.limit).toBeLessThanOrEqual(4000);
  });
});

function pairsOf(own: readonly string[]): string[] {
  return own.flatMap((name, i) => (i % 2 === 0 ? [`${name}=${own[i + 1]}`] : []));
}
