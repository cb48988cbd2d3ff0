import { describe, expect, it } from 'vitest';
import { printable, tableText } from './table.ts';

describe('a table', () => {
  it('has aligned columns under a head in capitals', () => {
    expect(
      tableText(
        ['id', 'start seq'],
        [
          ['1', '0'],
          ['20', '7000000000'],
        ],
      ),
    ).toBe('ID   START SEQ\n1    0\n20   7000000000\n');
  });

  it('is only its head when there is nothing', () => {
    expect(tableText(['key'], [])).toBe('KEY\n');
  });

  it('shows control characters instead of obeying them', () => {
    expect(printable('a\nb\u001b[2J\u009b\tc\u0000')).toBe('a\\nb\\x1b[2J\\x9b\\tc\\x00');
    expect(printable('größe ☃')).toBe('größe ☃');
  });
});
