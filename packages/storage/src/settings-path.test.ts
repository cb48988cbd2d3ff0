import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { settingsFileProblems, withSettingsBeside } from './settings-path.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'settings-path-'));
  mkdirSync(join(folder, 'engine'));
  writeFileSync(join(folder, 'engine', 'good.yaml'), 'default_ttl: 1000\n');
  writeFileSync(join(folder, 'engine', 'bad.yaml'), 'default_tll: 1000\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function configFile(settingsPath: string): string {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, `unknown: 1\nstorage: {type: Nothing, settings_path: ${settingsPath}}\n`);
  return file;
}

it('a relative settings_path starts where the configuration file is', () => {
  const memory = { type: 'InMemory' } as const;
  expect(withSettingsBeside({ ...memory, settings_path: 'engine/good.yaml' }, '/etc/db/config.yaml')).toEqual({
    ...memory,
    settings_path: '/etc/db/engine/good.yaml',
  });
  expect(withSettingsBeside({ ...memory, settings_path: '/x.yaml' }, '/etc/db/config.yaml').settings_path).toBe(
    '/x.yaml',
  );
  expect(withSettingsBeside(memory, '/etc/db/config.yaml')).toEqual(memory);
});

it('what is wrong with the settings file is found whatever is wrong beside it', () => {
  expect(settingsFileProblems(configFile('engine/good.yaml'))).toEqual([]);
  expect(settingsFileProblems(configFile('engine/bad.yaml'))).toMatchObject([
    { file: join(folder, 'engine/bad.yaml'), line: 1, column: 1, path: 'default_tll' },
  ]);
  expect(settingsFileProblems(configFile('nowhere.yaml'))).toEqual([
    {
      file: join(folder, 'config.yaml'),
      line: 2,
      column: 41,
      path: 'storage.settings_path',
      message: `the file does not exist; expected a YAML or JSON file: ${join(folder, 'nowhere.yaml')}`,
    },
  ]);
  expect(settingsFileProblems(join(folder, 'engine/good.yaml'))).toEqual([]);
  expect(settingsFileProblems(join(folder, 'nowhere.yaml'))).toEqual([]);
});
