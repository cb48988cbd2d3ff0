import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DbBuilder, ObjectStore, Settings } from '@slatedb/uniffi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigFileError } from './config-file.ts';
import { loadSlateSettings, settingsAssignments, slateDurationMs, slateSettingsSchema } from './settings.ts';
import { guideFile, guideSettings } from './testing/guide.testing.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'opendata-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function problemsOf(name: string, text: string): string[] {
  const file = write(name, text);
  try {
    loadSlateSettings(file);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigFileError);
    expect((error as ConfigFileError).code).toBe('config');
    return (error as ConfigFileError).message.split('\n').map((line) => line.replace(`${folder}/`, ''));
  }
  return [];
}

/** What SlateDB itself says after taking the settings. */
function throughSlateDb(engine: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const settings = Settings.default();
  try {
    for (const [path, json] of settingsAssignments(engine)) settings.set(path, json);
    return JSON.parse(settings.to_json_string());
  } finally {
    settings.dispose();
  }
}

describe("the guide's settings file", () => {
  it('gives every value to SlateDB or to us', () => {
    const settings = loadSlateSettings(write('slatedb.yaml', guideSettings));
    expect(settings).toMatchObject({
      defaultTtlMs: 604_800_000,
      maxUnflushedBytes: 134_217_728,
      cacheFolder: '/cache',
    });
    const hour = { interval: '60s', min_age: '3600s' };
    expect(throughSlateDb(settings.engine)).toMatchObject({
      default_ttl: null,
      l0_sst_size_bytes: 16_777_216,
      compactor_options: { max_concurrent_compactions: 2, max_sst_size: 67_108_864, poll_interval: '500ms' },
      garbage_collector_options: {
        manifest_options: hour,
        wal_options: { interval: '60s', min_age: '60s' },
        compacted_options: hour,
        compactions_options: hour,
      },
      object_store_cache_options: { root_folder: '/cache', max_cache_size_bytes: 107_374_182_400 },
    });
  });

  it('opens a database', async () => {
    const { engine } = loadSlateSettings(write('slatedb.yaml', guideSettings.replace('/cache', join(folder, 'cache'))));
    const settings = Settings.default();
    for (const [path, json] of settingsAssignments(engine)) settings.set(path, json);
    const store = ObjectStore.resolve('memory:///');
    const builder = new DbBuilder('db', store);
    builder.with_settings(settings);
    const db = await builder.build();
    expect(db.status().close_reason).toBeUndefined();
    await db.shutdown();
  });

  it.skipIf(guideFile() === undefined)('is what the helm template of the guide renders', () => {
    expect(renderedSlateDbYaml(readFileSync(guideFile()!, 'utf8'))).toBe(guideSettings);
  });
});

/** The `slatedb.yaml` of the guide's ConfigMap with the values of its values.yaml. */
function renderedSlateDbYaml(guide: string): string {
  const value = (name: string): string => new RegExp(`^ +${name}: (\\d+)`, 'm').exec(guide)![1]!;
  const block = /^ {2}slatedb\.yaml: \|\n((?: {4}.*\n)+)/m.exec(guide)![1]!;
  return block.replace(/^ {4}/gm, '').replace(/\{\{ int \.Values\.\w+\.(\w+) \}\}/g, (_, name: string) => value(name));
}

describe('settings', () => {
  it('has defaults without a file and with an empty one', () => {
    const expected = {
      defaultTtlMs: undefined,
      maxUnflushedBytes: 128 * 1024 * 1024,
      cacheFolder: undefined,
      engine: {
        flush_interval: '100ms',
        manifest_poll_interval: '1000ms',
        l0_sst_size_bytes: 16_777_216,
        l0_max_ssts: 32,
        compactor_options: { poll_interval: '500ms' },
        garbage_collector_options: { wal_options: { interval: '60s', min_age: '60s' } },
      },
    };
    expect(loadSlateSettings(undefined)).toEqual(expected);
    expect(loadSlateSettings(write('empty.yaml', ''))).toEqual(expected);
  });

  it('looks less often on a store that bills by request, unless configured', () => {
    const { engine } = loadSlateSettings(undefined, { isRemote: true });
    expect(throughSlateDb(engine)).toMatchObject({
      manifest_poll_interval: '5s',
      flush_interval: '100ms',
      l0_max_ssts: 32,
      compactor_options: { poll_interval: '5s' },
    });
    const configured = loadSlateSettings(write('b.yaml', "compactor_options: {poll_interval: '1s'}\n"), {
      isRemote: true,
    });
    expect(throughSlateDb(configured.engine)).toMatchObject({
      manifest_poll_interval: '5s',
      compactor_options: { poll_interval: '1s' },
    });
  });

  it('cleans up the log of a folder more often, unless the file says when', () => {
    const options = { isFolder: true, tableBytes: 99_000_000 };
    expect(loadSlateSettings(undefined, options).engine).toMatchObject({
      l0_sst_size_bytes: 99_000_000,
      compactor_options: { poll_interval: '500ms' },
      garbage_collector_options: { wal_options: { interval: '1s', min_age: '3s' } },
    });
    expect(loadSlateSettings(write('guide.yaml', guideSettings), options).engine).toMatchObject({
      l0_sst_size_bytes: 16_777_216,
      garbage_collector_options: { wal_options: { interval: '60000ms', min_age: '60000ms' } },
    });
  });

  it('lets configured values win over our defaults', () => {
    const text = "manifest_poll_interval: 3s\ncompactor_options: {poll_interval: '2s', max_fetch_tasks: 8}\n";
    const slate = throughSlateDb(loadSlateSettings(write('a.yaml', text)).engine);
    expect(slate).toMatchObject({
      manifest_poll_interval: '3s',
      flush_interval: '100ms',
      compactor_options: { poll_interval: '2s', max_fetch_tasks: 8, max_concurrent_compactions: 4 },
    });
  });

  it('reads JSON, tabs included', () => {
    const text = '{\n\t"default_ttl": 1500,\n\t"compression_codec": "Zstd"\n}\n';
    const settings = loadSlateSettings(write('a.json', text));
    expect(settings.defaultTtlMs).toBe(1500);
    expect(throughSlateDb(settings.engine)['compression_codec']).toBe('Zstd');
  });

  it('knows exactly the keys that SlateDB has, and gives each of them through', () => {
    const slate = Settings.default();
    const real = leafPaths(JSON.parse(slate.to_json_string()));
    slate.dispose();
    expect(leafPaths(everyKey).sort()).toEqual(
      [
        ...real.filter((path) => path !== 'compactor_options.scheduler_options'),
        'compactor_options.scheduler_options.include_size_threshold',
        'compactor_options.scheduler_options.max_compaction_sources',
        'compactor_options.scheduler_options.min_compaction_sources',
      ].sort(),
    );
    const { default_ttl: _ttl, max_unflushed_bytes: _budget, object_store_cache_options, ...others } = everyKey;
    const { preload_disk_cache_on_startup: preload, ...cache } = object_store_cache_options;
    const engine = { ...others, object_store_cache_options: cache };
    const settings = loadSlateSettings(write('all.json', JSON.stringify(everyKey)));
    expect(throughSlateDb(settings.engine)).toMatchObject(engine);
    // Opening would wait for it.
    expect(settings.cachePreload).toBe(preload);
    expect(JSON.stringify(settings.engine)).not.toContain('preload');
    expect(slateSettingsSchema.safeParse(everyKey).success).toBe(true);
  });

  it.each([
    ['100ms', 100],
    ['60s', 60_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
    ['1.5s', undefined],
    ['100', undefined],
    ['5 minutes', undefined],
    ['1M', undefined],
    ['', undefined],
  ])('duration %j is %s ms', (text, expected) => expect(slateDurationMs(text)).toBe(expected));
});

const everyKey = {
  flush_interval: '170ms',
  wal_enabled: true,
  manifest_poll_interval: '2s',
  manifest_update_timeout: '200s',
  min_filter_keys: 900,
  filter_bits_per_key: 11,
  l0_sst_size_bytes: 33_554_432,
  l0_max_ssts: 9,
  l0_flush_parallelism: 3,
  max_unflushed_bytes: 1_000_000,
  compactor_options: {
    poll_interval: '700ms',
    manifest_update_timeout: '100s',
    max_sst_size: 134_217_728,
    max_concurrent_compactions: 3,
    max_fetch_tasks: 5,
    scheduler_options: {
      min_compaction_sources: '3',
      max_compaction_sources: '7',
      include_size_threshold: '4.5',
    },
  },
  compression_codec: 'Lz4',
  object_store_cache_options: {
    root_folder: '/tmp/none',
    max_cache_size_bytes: 1_000_000,
    part_size_bytes: 2_097_152,
    cache_puts: true,
    preload_disk_cache_on_startup: 'L0Sst',
    scan_interval: '600s',
  },
  garbage_collector_options: {
    manifest_options: { interval: '61s', min_age: '301s' },
    wal_options: { interval: '62s', min_age: '302s' },
    compacted_options: { interval: '63s', min_age: '303s' },
    compactions_options: { interval: '64s', min_age: '304s' },
  },
  default_ttl: 1000,
};

function leafPaths(value: Readonly<Record<string, unknown>>, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, child]) =>
    typeof child === 'object' && child !== null && Object.keys(child).length > 0
      ? leafPaths(child as Record<string, unknown>, `${prefix}${name}.`)
      : [prefix + name],
  );
}

describe('a wrong settings file names file, line, column, key and what was expected', () => {
  it.each<[name: string, text: string, expected: string[]]>([
    [
      'unknown.yaml',
      'default_ttl: 1\nl0_sst_size: 5\n',
      [
        expect.stringMatching(
          /^unknown\.yaml:2:1: l0_sst_size: unknown key: expected one of default_ttl, flush_interval/,
        ),
      ],
    ],
    [
      'nested.yaml',
      'compactor_options:\n  max_sst_sizes: 5\n',
      [
        expect.stringMatching(
          /^nested\.yaml:2:3: compactor_options\.max_sst_sizes: unknown key: expected one of poll_/,
        ),
      ],
    ],
    [
      'gc.yaml',
      'garbage_collector_options:\n  wal_options: {interval: 60, min_age: 1.5s}\n',
      [
        "gc.yaml:2:27: garbage_collector_options.wal_options.interval: expected a duration in quotes such as '100ms', '60s' or '1h30m', at least 1ms, found 60",
        `gc.yaml:2:40: garbage_collector_options.wal_options.min_age: expected a duration in quotes such as '100ms', '60s' or '1h30m', found "1.5s"`,
      ],
    ],
    [
      'ttl.yaml',
      'default_ttl: 7d\n',
      ['ttl.yaml:1:14: default_ttl: expected milliseconds, a whole number from 1, found "7d"'],
    ],
    [
      'size.yaml',
      'max_unflushed_bytes: 128MB\nl0_sst_size_bytes: 0\n',
      [
        'size.yaml:1:22: max_unflushed_bytes: expected bytes, a whole number from 65536, found "128MB"',
        'size.yaml:2:20: l0_sst_size_bytes: expected bytes, a whole number from 4096, found 0',
      ],
    ],
    [
      'codec.yaml',
      'compression_codec: zstd\n',
      ['codec.yaml:1:20: compression_codec: expected one of Snappy, Zlib, Lz4, Zstd, found "zstd"'],
    ],
    [
      'part.yaml',
      'object_store_cache_options:\n  part_size_bytes: 1500\n',
      ['part.yaml:2:20: object_store_cache_options.part_size_bytes: expected a multiple of 1024 bytes, found 1500'],
    ],
    [
      'wal.yaml',
      'wal_enabled: false\n',
      ['wal.yaml:1:14: wal_enabled: expected true: acknowledged writes live in the write-ahead log, found false'],
    ],
    ['absent.yaml', 'compactor_options:\n', ['absent.yaml:1:1: compactor_options: expected a mapping, found nothing']],
    ['list.yaml', '- 1\n', ['list.yaml:1:1: expected a mapping, found a list']],
    [
      'twice.yaml',
      'default_ttl: 1\nmax_unflushed_bytes: 70000\ndefault_ttl: 2\n',
      ['twice.yaml:3:1: this key is there twice; expected it once'],
    ],
    ['syntax.yaml', 'default_ttl: [1\n', [expect.stringMatching(/^syntax\.yaml:\d+:\d+: .+/)]],
    [
      'settings.toml',
      'default_ttl = 1\n',
      ["settings.toml: expected a YAML or JSON file (.yaml, .yml or .json), found '.toml'"],
    ],
    ['bare', 'default_ttl: 1\n', ["bare: expected a YAML or JSON file (.yaml, .yml or .json), found 'no extension'"]],
    [
      'json.json',
      '{"compactor_options": {"max_concurrent_compactions": 0}}',
      [
        'json.json:1:54: compactor_options.max_concurrent_compactions: expected a number of compactions, a whole number from 1, found 0',
      ],
    ],
  ])('%s', (name, text, expected) => expect(problemsOf(name, text)).toEqual(expected));

  it('a missing file', () => {
    expect(() => loadSlateSettings(join(folder, 'absent', 'x.yaml'))).toThrow(
      /x\.yaml: the file does not exist; expected/,
    );
    expect(() => loadSlateSettings(join(folder, 'folder.yaml', '..', '..', 'x.yaml'))).toThrow(ConfigFileError);
  });

  it('a folder instead of a file', () => {
    const path = join(mkdtempSync(join(folder, 'd-')), '.yaml');
    expect(() => loadSlateSettings(path)).toThrow(ConfigFileError);
  });
});
