import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('../../../shared/guide/timeseries.txt', import.meta.url));

/** The text of the operators' guide beside the repository, if it is there. */
export const guide = existsSync(file) ? readFileSync(file, 'utf8') : undefined;

/** Writes the chart that is printed in the guide to a folder, which the caller removes. */
export function writeGuideChart(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'opendata-guide-'));
  mkdirSync(join(folder, 'templates'));
  writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: opendata-timeseries\nversion: 0.0.1\n');
  const names = ['values.yaml', 'configmap', 'serviceaccount', 'pvc', 'deployment', 'service'].map((name) =>
    name === 'values.yaml' ? name : `templates/${name}.yaml`,
  );
  const starts = names.map((name) => text.indexOf(`${name}\n\n${name}\n`) + 2 * name.length + 3);
  names.forEach((name, i) => {
    const next = names[i + 1];
    const end = text.indexOf(next === undefined ? '\nInstall the chart' : `\n${next}\n\n${next}\n`, starts[i]);
    writeFileSync(join(folder, name), text.slice(starts[i], end));
  });
  return folder;
}

/** The expressions of the section with example queries. */
export function guideQueries(text: string): string[] {
  const section = text.slice(text.indexOf('\nExample PromQL queries'), text.indexOf('\nSecurity\n'));
  return section
    .split('\n')
    .slice(2)
    .filter((line) => line !== '' && !line.startsWith('#'));
}
