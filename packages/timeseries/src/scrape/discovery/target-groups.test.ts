import { describe, expect, it } from 'vitest';
import { MAX_LIST_BYTES, parseTargetGroups } from './target-groups.ts';

const read = (text: string) => parseTargetGroups(text, 'x.yml', { __meta_filepath: 'x.yml' });
const yaml = (groups: number, more = '') =>
  Array.from(
    { length: groups },
    (_, i) => `- targets: [a${i}:1, 8080]\n  labels: {shard: 0${i}, ok: yes, v: 1.10}\n`,
  ).join('') + more;
const json = (last: unknown) =>
  JSON.stringify([...Array.from({ length: 2000 }, (_, i) => ({ targets: [`a${i}:1`] })), last]);

describe('a list of targets', () => {
  it.each([
    ['short', 10],
    ['long', 1000],
  ])('in %s YAML is read as it is written', async (_what, count) => {
    const groups = await read(yaml(count, '- targets: [z:1]\n  labels:\n- labels: {a: b}\n'));
    expect(groups).toHaveLength(count + 2);
    expect(groups[7]).toEqual({
      targets: ['a7:1', '8080'],
      labels: { shard: '07', ok: 'yes', v: '1.10', __meta_filepath: 'x.yml' },
    });
    expect(groups.slice(-2)).toEqual([
      { targets: ['z:1'], labels: { __meta_filepath: 'x.yml' } },
      { targets: [], labels: { a: 'b', __meta_filepath: 'x.yml' } },
    ]);
  });

  it('in JSON gives others their turns', async () => {
    expect(await read(json({}))).toHaveLength(2001);
    expect(await read('  \n')).toEqual([]);
  });

  it.each([
    [
      'short YAML',
      '- targets: [a]\n- target: [b]\n',
      /^x\.yml:2:3: \[1\]\.target: unknown key, did you mean "targets"/,
    ],
    ['short JSON', '[{"targets": 1}]', /^x\.yml:1:14: \[0\]\.targets: expected a list/],
    ['long YAML', yaml(1000, '- targets: x\n'), /^x\.yml: \[1000\]\.targets: .*expected array/],
    ['long YAML that is none', yaml(1000, '- targets: [x\n- a'), /^x\.yml: not valid YAML: .* at line 2002/],
    ['long JSON', json({ labels: { '': 'x' } }), /^x\.yml: \[2000\]\.labels\.?: /],
    [
      'a list of 9 MB',
      `[${' '.repeat(9_000_000)}]`,
      /^x\.yml: expected at most 8MiB, found 9000002 bytes: make several/,
    ],
    ['3 MB of YAML', yaml(60_000), /^x\.yml: expected at most 2MiB of YAML, found \d+ bytes: write JSON, or/],
  ])('is refused with the place: %s', async (_what, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });

  it('may have 8 MiB', async () => {
    expect(await read(`[${' '.repeat(MAX_LIST_BYTES - 2)}]`)).toEqual([]);
  });
});
