import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry } from '@opendata/server';
import { afterAll, expect, it } from 'vitest';
import { loadConfig } from './model/config.ts';
import { createReloader } from './reload.ts';

const folder = mkdtempSync(join(tmpdir(), 'timeseries-reload-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ['otlp', 'otlp: {promote_resource_attributes: [a]}', 'otlp: {promote_resource_attributes: [a, b]}'],
  ['otlp', '', 'otlp: {promote_scope_metadata: true}'],
  ['retention', 'retention: 1h', 'retention: 2h'],
])('a change of %s is refused, and none is not', async (key, before, after) => {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, before);
  const reloader = createReloader({ file, config: loadConfig(file), registry: createRegistry() });
  let applied = 0;
  const apply = async () => void applied++;
  await reloader.reload(apply);
  writeFileSync(file, after);
  await expect(reloader.reload(apply)).rejects.toThrow(`${key}: cannot be changed by a reload`);
  expect(applied).toBe(1);
});

it('a server without a file, and one whose file has gone, say so', async () => {
  const file = join(folder, 'gone.yaml');
  writeFileSync(file, '');
  const config = loadConfig(file);
  const gone = createReloader({ file, config, registry: createRegistry() });
  rmSync(file);
  const apply = async () => undefined;
  await expect(gone.reload(apply)).rejects.toThrow(`${file}: expected a file, found nothing of this name`);
  const without = createReloader({ file: undefined, config, registry: createRegistry() });
  await expect(without.reload(apply)).rejects.toThrow('--config: the server was started without a configuration file');
});
