import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ArrivalLookup } from './arrival-lookup.ts';
import { ArrivalTimes } from './arrival-times.ts';

it('says of each record what the times of the head say', () => {
  const batch = fc.record({ records: fc.integer({ min: 1, max: 60 }), laterMs: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(batch, { minLength: 1, maxLength: 60 }), (batches) => {
      const times = new ArrivalTimes();
      let records = 0;
      let timeMs = 1000;
      for (const { records: added, laterMs } of batches) {
        times.push(records, timeMs);
        records += added;
        timeMs += laterMs;
      }
      const lookup = new ArrivalLookup(times, records);
      const all = Array.from({ length: records }, (_, record) => record);
      expect(all.map((record) => lookup.timeOf(record))).toEqual(all.map((record) => times.timeOf(record)));
    }),
  );
});
