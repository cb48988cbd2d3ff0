/**
 * Puts what a server needs to run into a folder: node docker/assemble.mjs SERVER ARCHITECTURE FOLDER
 * (timeseries or log; amd64 or arm64). To be run in a built repository; leaves only production dependencies in it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const [server, architecture, target] = process.argv.slice(2);
const cpu = { amd64: 'x64', arm64: 'arm64' }[architecture];
if (!['timeseries', 'log'].includes(server) || cpu === undefined || target === undefined) {
  console.error('usage: node docker/assemble.mjs timeseries|log amd64|arm64 FOLDER');
  process.exit(2);
}

execFileSync('npm', ['ci', '--omit=dev', `--workspace=packages/${server}`], { stdio: 'inherit' });
mkdirSync(target, { recursive: true });
cpSync('node_modules', join(target, 'node_modules'), {
  recursive: true,
  verbatimSymlinks: true,
  filter: (path) => !isLeftOut(path),
});
for (const name of packagesOf(server)) {
  for (const part of ['package.json', 'dist', 'bin']) {
    const from = join('packages', name, part);
    if (existsSync(from))
      cpSync(from, join(target, from), { recursive: true, filter: (path) => !/\.(map|d\.ts|tsbuildinfo)$/.test(path) });
  }
}
removeDanglingLinks(join(target, 'node_modules'));
cpSync('docker/healthcheck.mjs', join(target, 'healthcheck.mjs'));

/** Native code for other machines, sources, and what only compilers read. */
function isLeftOut(path) {
  const [, slatedb] = /@slatedb\/uniffi\/prebuilds\/([^/]+)/.exec(path) ?? [];
  if (slatedb !== undefined) return slatedb !== `linux-${cpu}-gnu`;
  const [, koffi] = /koffi\/build\/koffi\/([^/]+)/.exec(path) ?? [];
  if (koffi !== undefined) return koffi !== `linux_${cpu}`;
  return (
    /\/koffi\/(src|vendor|doc)\b/.test(path) || /\.(map|d\.[cm]?ts)$/.test(path) || path.endsWith('node_modules/.cache')
  );
}

/** The server's package and those of ours that it stands on. */
function packagesOf(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  const { dependencies = {} } = JSON.parse(readFileSync(join('packages', name, 'package.json'), 'utf8'));
  for (const dependency of Object.keys(dependencies)) {
    if (dependency.startsWith('@opendata/')) packagesOf(dependency.slice('@opendata/'.length), found);
  }
  return found;
}

/** Links of packages that are not there, and the commands of dependencies. */
function removeDanglingLinks(folder) {
  rmSync(join(folder, '.bin'), { recursive: true, force: true });
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink() && !existsSync(path)) rmSync(path);
    else if (entry.isDirectory() && entry.name === '@opendata') removeDanglingLinks(path);
  }
}
