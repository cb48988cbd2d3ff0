import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { logConfigSchema } from '../../packages/log/src/config.ts';
import { serverFlags as logFlags } from '../../packages/log/src/flags.ts';
import { webConfigSchema } from '../../packages/server/src/web/web-config.ts';
import { slateSettingsDefaults, slateSettingsSchema } from '../../packages/storage/src/settings.ts';
import { serverFlags as timeSeriesFlags } from '../../packages/timeseries/src/flags.ts';
import { timeSeriesConfigSchema } from '../../packages/timeseries/src/model/config.ts';
import { referenceFile, renderConfigurationReference } from '../../scripts/configuration-reference.mjs';
import { configurationRows } from '../../scripts/configuration-rows.mjs';

const schemas = {
  timeseries: timeSeriesConfigSchema,
  log: logConfigSchema,
  settings: slateSettingsSchema,
  web: webConfigSchema,
};

describe('the configuration reference', () => {
  it('is what scripts/configuration-reference.mjs makes of the schemas and flags', () => {
    const { engine, maxUnflushedBytes } = slateSettingsDefaults;
    const text = renderConfigurationReference({
      timeSeries: timeSeriesConfigSchema,
      log: logConfigSchema,
      settings: slateSettingsSchema,
      settingsDefaults: { ...engine, max_unflushed_bytes: maxUnflushedBytes },
      web: webConfigSchema,
      flags: { timeSeries: timeSeriesFlags, log: logFlags },
    });
    expect(readFileSync(referenceFile, 'utf8')).toBe(text);
  });

  it.each(Object.entries(schemas))('every key of the %s file has a meaning of its own', (_name, schema) => {
    const generic = /^(A duration such as|A size in bytes)/;
    const missing = configurationRows(schema).filter(({ meaning }) => meaning === '' || generic.test(meaning));
    expect(missing.map(({ path }) => path)).toEqual([]);
  });

  it('tells types, units and defaults', () => {
    const rows = new Map(configurationRows(timeSeriesConfigSchema).map((row) => [row.path, row]));
    expect(rows.get('head.window')).toMatchObject({ type: 'duration', defaultValue: '`1h`' });
    expect(rows.get('remote_write.body_size_limit')).toMatchObject({ type: 'size', defaultValue: '`64MiB`' });
    expect(rows.get('storage.commit_timeout_ms')).toMatchObject({ type: 'whole number', unit: 'ms' });
    expect(rows.get('scrape_configs[].job_name')).toMatchObject({ type: 'text', defaultValue: 'required' });
    expect(rows.get('storage.object_store.type')?.type).toContain('`Aws`');
  });
});
