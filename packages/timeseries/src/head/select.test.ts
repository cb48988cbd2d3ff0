import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Head } from './head.ts';
import { encodeLabels } from './label-bytes.ts';
import { selectFromHead } from './select.ts';

const SERIES = 3;
const WINDOW_MS = 1000;

describe('selectFromHead', () => {
  it('returns the samples in the interval, or the newest of them', async () => {
    const sample = fc.record({ series: fc.nat(SERIES - 1), timeMs: fc.nat(40).map((n) => n * 100), value: fc.nat(9) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(sample, { maxLength: 120 }),
        fc.nat(4000),
        fc.nat(4000),
        fc.boolean(),
        async (samples, a, b, inOrder) => {
          if (inOrder) samples.sort((x, y) => x.timeMs - y.timeMs);
          const head = new Head(WINDOW_MS);
          const ids = Array.from({ length: SERIES }, (_, i) =>
            head.series.resolveOne(encodeLabels(['__name__', `v${i}`])),
          );
          const expected = ids.map(() => new Map<number, number>());
          for (const { series, timeMs, value } of samples) {
            const window = head.openWindow(head.windowStart(timeMs));
            const known = window.slotOf(ids[series]!);
            const slot = known < 0 ? window.addSlot(ids[series]!) : known;
            window.append(Uint32Array.of(slot), Int32Array.of(timeMs - window.startMs), Float64Array.of(value), 1);
            expected[series]!.set(timeMs, value);
          }
          const [startMs, endMs] = [Math.min(a, b), Math.max(a, b)];
          const wanted = expected
            .map((all, i) => ({
              labels: ['__name__', `v${i}`],
              samples: [...all].filter(([t]) => t >= startMs && t <= endMs).sort((x, y) => x[0] - y[0]),
            }))
            .filter(({ samples: kept }) => kept.length > 0);
          const request = { matchers: [], startMs, endMs };
          const select = async (newestOnly: boolean) =>
            (await selectFromHead(head, { ...request, newestOnly })).map(({ labels, timestamps, values }) => ({
              labels,
              samples: [...timestamps].map((t, i) => [t, values[i]]),
            }));
          expect(await select(false)).toEqual(wanted);
          expect(await select(true)).toEqual(wanted.map((s) => ({ ...s, samples: s.samples.slice(-1) })));
        },
      ),
      { numRuns: 100 },
    );
  });
});
