import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { existing, findTool, toolsFolder } from './tools.ts';

export const helm = findTool('helm');
export const kubeconform = findTool('kubeconform');
/** Folder of Kubernetes' JSON schemas, one folder a version. */
export const kubernetesSchemas = existing(process.env['KUBERNETES_SCHEMAS'] ?? join(toolsFolder, 'schemas'));

export const chartNames = ['opendata-timeseries', 'opendata-log'] as const;
export type ChartName = (typeof chartNames)[number];

/** An object of Kubernetes, as parsed. */
// biome-ignore lint/suspicious/noExplicitAny: the tests look into many shapes
export type Manifest = any;

export function chartFolder(name: string): string {
  return fileURLToPath(new URL(`../../charts/${name}`, import.meta.url));
}

const rendered = new Map<string, string>();

/** The release is called as the chart. @throws Error with what helm says on standard error */
export function renderChart(name: string, values: object = {}, folder = chartFolder(name)): string {
  const key = JSON.stringify([folder, values]);
  const known = rendered.get(key);
  if (known !== undefined) return known;
  const text = withValues(values, (file) =>
    execFileSync(helm!, ['template', name, folder, '--values', file], { encoding: 'utf8', stdio: 'pipe' }),
  );
  rendered.set(key, text);
  return text;
}

/** @returns what helm says; it throws where the chart does not pass */
export function lintChart(name: string, values: object = {}): string {
  return withValues(values, (file) =>
    execFileSync(helm!, ['lint', '--strict', chartFolder(name), '--values', file], { encoding: 'utf8', stdio: 'pipe' }),
  );
}

/** What helm says to whoever installs the chart. */
export function installNotes(name: string, values: object = {}): string {
  const text = withValues(values, (file) =>
    execFileSync(helm!, ['install', name, chartFolder(name), '--dry-run=client', '--values', file], {
      encoding: 'utf8',
      stdio: 'pipe',
    }),
  );
  return text.slice(text.indexOf('\nNOTES:'));
}

export function manifestsOf(rendered: string): Manifest[] {
  return parseAllDocuments(rendered)
    .map((document) => document.toJS())
    .filter((manifest) => manifest !== null);
}

/** @throws Error where there is none */
export function findManifest(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.find((m) => m.kind === kind && (name === undefined || m.metadata.name === name));
  if (found === undefined) throw new Error(`no ${kind} ${name ?? ''} among the manifests`);
  return found;
}

function withValues<T>(values: object, work: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'opendata-chart-'));
  const file = join(folder, 'values.json');
  writeFileSync(file, JSON.stringify(values));
  try {
    return work(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
