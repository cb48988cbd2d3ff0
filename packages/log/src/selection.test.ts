import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareKeys } from './key-bytes.ts';
import { hasPrefix } from './key-merge.ts';
import { KeyRanges } from './selection.ts';

const byte = fc.constantFrom(0, 1, 0x61, 0xfe, 0xff);
const key = fc.array(byte, { maxLength: 4 }).map((bytes) => Buffer.from(bytes));

it('a selection has the keys that were named and those with a prefix, in ranges apart from one another', () => {
  fc.assert(
    fc.property(
      fc.option(fc.array(key, { maxLength: 4 }), { nil: undefined }),
      fc.option(fc.array(key, { maxLength: 4 }), { nil: undefined }),
      key,
      (keys, prefixes, asked) => {
        const before = [...(keys ?? []), ...(prefixes ?? [])].map((each) => each.toString('hex'));
        const selection = new KeyRanges({ keys, prefixes });
        expect([...(keys ?? []), ...(prefixes ?? [])].map((each) => each.toString('hex'))).toEqual(before);
        const isSelected =
          (keys === undefined && prefixes === undefined) ||
          (keys ?? []).some((each) => compareKeys(each, asked) === 0) ||
          (prefixes ?? []).some((prefix) => hasPrefix(asked, prefix));
        expect(selection.includes(Buffer.concat([Buffer.from('..'), asked]), 2, 2 + asked.length)).toBe(isSelected);
        for (let i = 1; i < selection.ranges.length; i++) {
          expect(compareKeys(selection.ranges[i - 1]!.end!, selection.ranges[i]!.start)).toBeLessThan(0);
        }
      },
    ),
    { numRuns: 2000 },
  );
  expect(new KeyRanges({}).isEverything).toBe(true);
  expect(new KeyRanges({ prefixes: [new Uint8Array(0)] }).isEverything).toBe(true);
  expect(new KeyRanges({ keys: [] }).isEverything).toBe(false);
});
