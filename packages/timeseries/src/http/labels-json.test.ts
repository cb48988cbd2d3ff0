import type { Labels } from '@opendata/promql';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonBytes } from './json-bytes.ts';
import { LabelsJson } from './labels-json.ts';

describe('JSON of label sets', () => {
  it('is the same for any lists, in any pieces, new or known, and with little room', () => {
    const sets: Labels[] = Array.from({ length: 30 }, (_, i) => ['a', `${'é'.repeat(i)}"`]);
    const list = fc.array(fc.constantFrom(...sets), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 6 }), fc.nat(2000), fc.nat(20), (lists, room, step) => {
        const written = new LabelsJson((labels) => JSON.stringify(labels), room);
        for (const labels of lists) {
          const out = new JsonBytes();
          for (let i = 0; i < labels.length; i += step + 1) {
            written.write(out, labels, i, Math.min(i + step + 1, labels.length));
          }
          expect(`[${out.finish()}]`).toBe(JSON.stringify(labels));
        }
      }),
    );
  });
});
