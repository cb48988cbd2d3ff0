import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseJsonList } from './json-list.ts';

/** So much white space makes a text long. */
const room = ' '.repeat(300_000);

const outcome = async (parse: () => unknown): Promise<unknown> => {
  try {
    return { value: await parse() };
  } catch (error) {
    return (error as Error).name;
  }
};

it('reads a long list, and refuses what is none, as JSON.parse does', async () => {
  const piece = fc.constantFrom(
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    '\\',
    ' ',
    '\n',
    '1',
    'null',
    '"a"',
    ':',
    '{"a":[1,"]"]}',
  );
  const text = fc.oneof(
    fc.json(),
    fc.array(piece, { maxLength: 12 }).map((pieces) => `[${pieces.join('')}]`),
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  );
  await fc.assert(
    fc.asyncProperty(text, fc.nat(), async (short, at) => {
      const long = at % 2 === 0 ? short + room : room + short;
      expect(await outcome(() => parseJsonList(long))).toEqual(await outcome(() => JSON.parse(long)));
    }),
    { numRuns: 500 },
  );
});

it('gives others their turns', async () => {
  const groups = Array.from({ length: 50_000 }, (_, i) => ({
    targets: [`host-${i}:9100`],
    labels: { quoted: '\\"],' },
  }));
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  expect(await parseJsonList(JSON.stringify(groups))).toEqual(groups);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
});
