import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { byteSize } from './byte-size.ts';
import { isConfigError } from './config-error.ts';
import { durationMs } from './duration.ts';
import { loadYamlConfig, parseYamlConfig } from './yaml-config.ts';

const schema = z.strictObject({
  global: z
    .strictObject({
      scrape_interval: durationMs({ minMs: 1 }).default(60_000),
      external_labels: z.record(z.string().regex(/^[a-z_]+$/, 'expected a label name'), z.string()).optional(),
    })
    .default({ scrape_interval: 60_000 }),
  scrape_configs: z
    .array(
      z.strictObject({
        job_name: z.string().min(1),
        scheme: z.enum(['http', 'https']).default('http'),
        honor_labels: z.boolean().default(false),
        sample_limit: z.int().min(0).default(0),
        body_size_limit: byteSize({ maxBytes: 1024 ** 3 }).optional(),
        targets: z.array(z.string()).min(1).optional(),
        password: z
          .string()
          .regex(/^.{8,}$/)
          .optional(),
      }),
    )
    .default([]),
  storage: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('InMemory') }),
      z.strictObject({ type: z.literal('SlateDb'), path: z.string() }),
    ])
    .optional(),
  follow: z.union([z.boolean(), z.strictObject({ timeout: durationMs() })]).optional(),
});

function problemsOf(text: string): string[] {
  try {
    parseYamlConfig(text, 'prometheus.yml', schema);
  } catch (error) {
    if (!isConfigError(error)) throw error;
    return error.message.split('\n');
  }
  return [];
}

function load(text: string) {
  return parseYamlConfig(text, 'prometheus.yml', schema).value;
}

describe('a valid file', () => {
  it('gives values and defaults', () => {
    expect(
      load('global: {scrape_interval: 15s}\nscrape_configs:\n- job_name: node\n  body_size_limit: 10MB\n'),
    ).toEqual({
      global: { scrape_interval: 15_000 },
      scrape_configs: [
        { job_name: 'node', scheme: 'http', honor_labels: false, sample_limit: 0, body_size_limit: 10_485_760 },
      ],
    });
  });

  it.each([[''], ['# only a comment\n'], ['---\n'], ['global:\nscrape_configs:\n'], ['\uFEFF']])(
    'takes %j as empty',
    (text) => {
      expect(load(text)).toEqual({ global: { scrape_interval: 60_000 }, scrape_configs: [] });
    },
  );

  it('takes scalars as they are written where text is wanted', () => {
    const { scrape_configs, global } = load(
      'global: {external_labels: {shard: 1.50, canary: true, octal: 0x1F}}\nscrape_configs:\n- job_name: 2024\n  targets: [1.10]\n',
    );
    expect(scrape_configs[0]).toMatchObject({ job_name: '2024', targets: ['1.10'] });
    expect(global.external_labels).toEqual({ shard: '1.50', canary: 'true', octal: '0x1F' });
  });

  it('takes 0 as a duration and a number as a size', () => {
    expect(load('follow: {timeout: 0}').follow).toEqual({ timeout: 0 });
    expect(load('scrape_configs: [{job_name: a, body_size_limit: 100}]').scrape_configs[0]!.body_size_limit).toBe(100);
  });

  it('resolves anchors, aliases and merge keys', () => {
    const { scrape_configs } = load(
      'scrape_configs:\n- &base\n  job_name: a\n  scheme: https\n- <<: *base\n  job_name: b\n',
    );
    expect(scrape_configs.map(({ job_name, scheme }) => [job_name, scheme])).toEqual([
      ['a', 'https'],
      ['b', 'https'],
    ]);
  });
});

describe('a wrong file', () => {
  it('names the place of a key that is not known, and the one that was meant', () => {
    expect(problemsOf('global:\n  scrap_interval: 15s\n')).toEqual([
      'prometheus.yml:2:3: global.scrap_interval: unknown key, did you mean "scrape_interval"?',
    ]);
  });

  it('lists the known keys when none is near', () => {
    expect(problemsOf('global:\n  colour: red\n')).toEqual([
      'prometheus.yml:2:3: global.colour: unknown key; expected one of scrape_interval, external_labels',
    ]);
  });

  it('reports every problem, in the order of the file', () => {
    expect(
      problemsOf(`global:
  scrape_interval: soon
scrape_configs:
  - job_name: ""
    scheme: ftp
    honor_labels: 'yes'
    sample_limit: -1
    body_size_limit: 2GB
    targets: []
  - sample_limit: 1.5
    targets: a:1
    tragets: [b]
`),
    ).toEqual([
      'prometheus.yml:2:20: global.scrape_interval: expected a duration like 30s or 1h30m: not a valid duration string: "soon"',
      'prometheus.yml:4:15: scrape_configs[0].job_name: expected a string that is not empty, found ""',
      'prometheus.yml:5:13: scrape_configs[0].scheme: expected one of http, https, found "ftp"',
      'prometheus.yml:6:19: scrape_configs[0].honor_labels: expected true or false, found "yes"',
      'prometheus.yml:7:19: scrape_configs[0].sample_limit: expected at least 0, found -1',
      'prometheus.yml:8:22: scrape_configs[0].body_size_limit: expected a size of at most 1GiB, found 2GiB',
      'prometheus.yml:9:14: scrape_configs[0].targets: expected at least 1 entry, found an empty list',
      'prometheus.yml:10:5: scrape_configs[1].job_name: expected a string, found no such key',
      'prometheus.yml:10:19: scrape_configs[1].sample_limit: expected a whole number, found 1.5',
      'prometheus.yml:11:14: scrape_configs[1].targets: expected a list, found "a:1"',
      'prometheus.yml:12:5: scrape_configs[1].tragets: unknown key, did you mean "targets"?',
    ]);
  });

  it('says what is missing when a required key has no value', () => {
    expect(problemsOf('scrape_configs:\n  - job_name:\n')).toEqual([
      'prometheus.yml:2:5: scrape_configs[0].job_name: expected a string, found nothing',
    ]);
  });

  it('points at a duration out of bounds', () => {
    expect(problemsOf('global: {scrape_interval: 0s}')).toEqual([
      'prometheus.yml:1:27: global.scrape_interval: expected a duration of at least 1ms, found 0s',
    ]);
    expect(problemsOf('global: {scrape_interval: {}}')).toEqual([
      'prometheus.yml:1:27: global.scrape_interval: expected a duration like 30s or 1h30m, found a mapping',
    ]);
  });

  it('points at a key of a free mapping', () => {
    expect(problemsOf('global:\n  external_labels:\n    a-b: x\n    c: [1]\n')).toEqual([
      'prometheus.yml:3:5: global.external_labels.a-b: expected a label name as the key, found "a-b"',
      'prometheus.yml:4:8: global.external_labels.c: expected a string, found a list',
    ]);
  });

  it('says of a key that may have any value, but has to be there, that it is missing', () => {
    const anything = z.looseObject({ anything: z.unknown() });
    expect(() => parseYamlConfig('other: 1', 'any.yml', anything)).toThrow(/: anything: the key is missing$/);
  });

  it('chooses the branch of a union by its discriminator', () => {
    expect(problemsOf('storage:\n  type: SlateDB\n')).toEqual([
      'prometheus.yml:2:9: storage.type: expected one of InMemory, SlateDb, found "SlateDB"',
    ]);
    expect(problemsOf('storage: {type: SlateDb, pth: x}')).toEqual([
      'prometheus.yml:1:1: storage.path: expected a string, found no such key',
      'prometheus.yml:1:26: storage.pth: unknown key, did you mean "path"?',
    ]);
    expect(problemsOf('storage: {path: x}')).toEqual([
      'prometheus.yml:1:1: storage.type: expected one of InMemory, SlateDb, found no such key',
    ]);
  });

  it('chooses the branch of a plain union by what the value looks like', () => {
    expect(problemsOf('follow: {tiemout: 1s}')).toEqual([
      'prometheus.yml:1:1: follow.timeout: expected a duration like 30s or 1h30m, found no such key',
      'prometheus.yml:1:10: follow.tiemout: unknown key, did you mean "timeout"?',
    ]);
    expect(problemsOf('follow: soon')).toEqual([
      'prometheus.yml:1:9: follow: expected true or false or a mapping, found "soon"',
    ]);
  });

  it('does not print a secret', () => {
    expect(problemsOf('scrape_configs: [{job_name: a, password: hunter2}]').join()).not.toContain('hunter2');
  });

  it('shortens a long value', () => {
    expect(problemsOf(`follow: ${'x'.repeat(500)}`)[0]!.length).toBeLessThan(150);
  });

  it('refuses a document that is not a mapping', () => {
    expect(problemsOf('- a\n')).toEqual(['prometheus.yml:1:1: expected a mapping, found a list']);
    expect(problemsOf('just words')).toEqual(['prometheus.yml:1:1: expected a mapping, found "just words"']);
  });
});

describe('text that is not YAML', () => {
  it.each([
    ['a: [1, 2\nb: 3\n', /^prometheus.yml:2:\d+: not valid YAML: /],
    ['global: {}\nglobal: {}\n', /^prometheus.yml:2:1: expected each key once, found "global" a second time$/],
    ['a: *nowhere\n', /^prometheus.yml:1:4: expected an alias of an anchor above, found \*nowhere$/],
    ['a: 1\n---\nb: 2\n', /^prometheus.yml:\d:\d: expected one YAML document, found a second one$/],
    ['\ta: 1\n', /^prometheus.yml:1:\d: not valid YAML: /],
    ['a: "unclosed\n', /^prometheus.yml:\d:\d+: not valid YAML: /],
    ['a: !unknown x\n', /^prometheus.yml:1:4: not valid YAML: unresolved tag/],
  ])('%j is refused with its place', (text, message) => {
    const problems = problemsOf(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatch(message);
  });

  it('refuses a bomb of aliases quickly', () => {
    const levels = Array.from({ length: 12 }, (_, i) =>
      i === 0
        ? 'a0: &a0 [x, x, x, x, x, x, x, x, x]'
        : `a${i}: &a${i} [${Array(9)
            .fill(`*a${i - 1}`)
            .join(', ')}]`,
    );
    expect(problemsOf(levels.join('\n'))[0]).toMatch(/^prometheus.yml: .*alias/i);
  });
});

describe('loadYamlConfig', () => {
  const folder = mkdtempSync(join(tmpdir(), 'opendata-config-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads a file', () => {
    const file = join(folder, 'a.yml');
    writeFileSync(file, 'scrape_configs: [{job_name: a}]');
    expect(loadYamlConfig(file, schema).scrape_configs).toHaveLength(1);
  });

  it('names a file that is not there, and a folder', () => {
    expect(() => loadYamlConfig(join(folder, 'none.yml'), schema)).toThrow(
      `${folder}/none.yml: expected a file, found nothing of this name`,
    );
    expect(() => loadYamlConfig(folder, schema)).toThrow(`${folder}: expected a file, found a folder`);
  });
});

describe('errorAt', () => {
  it('points at the value of a further check', () => {
    const config = parseYamlConfig('scrape_configs:\n- job_name: a\n- job_name: a\n', 'p.yml', schema);
    expect(config.errorAt(['scrape_configs', 1, 'job_name'], 'expected a job name once, found "a" again').message).toBe(
      'p.yml:3:13: scrape_configs[1].job_name: expected a job name once, found "a" again',
    );
  });

  it('points at what is nearest when the value is a default', () => {
    const config = parseYamlConfig('scrape_configs:\n- job_name: a\n', 'p.yml', schema);
    expect(config.errorAt(['scrape_configs', 0, 'scheme'], 'expected https').message).toBe(
      'p.yml:2:3: scrape_configs[0].scheme: expected https',
    );
  });
});
