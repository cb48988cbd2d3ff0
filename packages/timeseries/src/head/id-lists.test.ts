import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IdLists } from './id-lists.ts';

it('keeps many interleaved lists', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 3000 }), (appends) => {
      const lists = new IdLists();
      const model = new Map<number, number[]>();
      appends.forEach((list, id) => {
        lists.append(list, id);
        model.set(list, [...(model.get(list) ?? []), id]);
      });
      for (let list = 0; list <= 300; list += 1) {
        const ids = model.get(list) ?? [];
        expect(lists.count(list)).toBe(ids.length);
        expect([...lists.toArray(list)]).toEqual(ids);
        const marks = new Uint8Array(appends.length);
        lists.mark(list, marks);
        expect([...marks].flatMap((mark, id) => (mark === 1 ? [id] : []))).toEqual(ids);
      }
    }),
    { numRuns: 50 },
  );
});
