import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type S3Server, startS3Server } from '@opendata/storage/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { helm, manifestsOf, renderChart } from '../support/chart-tools.ts';
import { instructionsOf, readDockerfile } from '../support/dockerfile.ts';
import { canRunPods, startPod } from '../support/pod.ts';
import { freePort } from '../support/server-process.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const servers = ['timeseries', 'log'] as const;

describe.each(servers)('docker/Dockerfile.%s', (server) => {
  const [, image] = readDockerfile(join(repository, `docker/Dockerfile.${server}`));

  it('starts the server itself, as a user of its own, with a health check', () => {
    const bin = `/app/packages/${server}/bin/opendata-${server}.js`;
    expect(instructionsOf(image!, 'ENTRYPOINT')).toEqual([`["node", "${bin}"]`]);
    expect(existsSync(join(repository, bin.slice('/app/'.length)))).toBe(true);
    expect(instructionsOf(image!, 'USER')).toEqual(['1000:1000']);
    expect(instructionsOf(image!, 'HEALTHCHECK')[0]).toContain('/-/healthy');
  });

  it('has the certificates that the storage engine reads, and runs nothing in the last stage', () => {
    expect(instructionsOf(image!, 'COPY')[0]).toContain('/etc/ssl/certs/ca-certificates.crt');
    expect(instructionsOf(image!, 'RUN')).toEqual([]);
  });

  it('names its base with a version', () => {
    const text = readFileSync(join(repository, `docker/Dockerfile.${server}`), 'utf8');
    expect(text).toMatch(/^ARG NODE_VERSION=\d+\.\d+\.\d+$/m);
    expect(text.match(/^FROM .*$/gm)!.join()).not.toMatch(/latest/);
  });

  it('listens where the chart expects it', () => {
    const values = parse(readFileSync(join(repository, `charts/opendata-${server}/values.yaml`), 'utf8'));
    expect(instructionsOf(image!, 'EXPOSE')).toEqual([String(values.port)]);
  });
});

/**
 * The steps of the Dockerfiles without Docker: `IMAGES=1 npx vitest run test/images`. Asks the npm registry for all
 * dependencies and takes minutes, so it has to be asked for.
 */
const wanted = process.env['IMAGES'] !== undefined && canRunPods && helm !== undefined;

describe.skipIf(!wanted).each(servers)('the steps of docker/Dockerfile.%s', (server) => {
  const targetArch = arch() === 'arm64' ? 'arm64' : 'amd64';
  const otherArch = targetArch === 'arm64' ? 'amd64' : 'arm64';
  let folder = '';
  let store: S3Server;
  const app = () => join(folder, 'app');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'opendata-image-'));
    store = await startS3Server({ bucket: `my-${server}-bucket` });
    copyContext(join(folder, 'src'));
    const [build] = readDockerfile(join(repository, `docker/Dockerfile.${server}`));
    for (const command of instructionsOf(build!, 'RUN')) {
      if (command === 'mkdir /data') continue;
      const here = command.replace('/app', app()).replace(/\$\{TARGETARCH\}/, targetArch);
      execFileSync('sh', ['-c', here], { cwd: join(folder, 'src'), stdio: 'pipe' });
    }
  }, 600_000);

  afterAll(async () => {
    await store?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  it('leave no compiler, no test, no source and no code for another machine', () => {
    const files = readdirSync(app(), { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /node_modules\/(typescript|vitest|@biomejs|s3rver)\b/.test(file))).toEqual([]);
    expect(files.filter((file) => /^packages\/.*\.ts$/.test(file))).toEqual([]);
    const native = files.filter((file) => /\.(so|dylib|dll|node)$/.test(file));
    expect(native.length).toBeGreaterThan(0);
    for (const file of native) expect(file).toMatch(targetArch === 'arm64' ? /linux.arm64/ : /linux.x64/);
  });

  it('give a folder of less than 60 MB', () => {
    const bytes = readdirSync(app(), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
    expect(bytes).toBeLessThan(60e6);
  });

  it('give a server that starts from it as user 1000 on a read-only file system, answers its health check and stops', async () => {
    const pod = await startPod({
      manifests: manifestsOf(renderChart(`opendata-${server}`)),
      folder,
      port: await freePort(),
      app: app(),
      env: store.env,
    });
    execFileSync(process.execPath, [join(app(), 'healthcheck.mjs'), `${pod.url}/-/healthy`]);
    expect(await pod.kill('SIGTERM')).toBe(0);
    expect(() =>
      execFileSync(process.execPath, [join(app(), 'healthcheck.mjs'), `${pod.url}/-/healthy`], { stdio: 'pipe' }),
    ).toThrow();
  });

  it('give a folder for the other architecture, too', () => {
    const other = join(folder, 'other');
    execFileSync('node', ['docker/assemble.mjs', server, otherArch, other], {
      cwd: join(folder, 'src'),
      stdio: 'pipe',
    });
    const native = readdirSync(other, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.(so|node)$/.test(file),
    );
    expect(native.length).toBe(2);
    for (const file of native) expect(file).toMatch(otherArch === 'arm64' ? /linux.arm64/ : /linux.x64/);
  });
});

/** What the Dockerfile's `COPY . .` takes, as .dockerignore has it. */
function copyContext(target: string): void {
  const { taken, left } = readIgnoreFile();
  mkdirSync(target, { recursive: true });
  for (const name of taken) {
    cpSync(join(repository, name), join(target, name), {
      recursive: true,
      filter: (path) => !left.some((pattern) => pattern.test(path.slice(repository.length))),
    });
  }
}

function readIgnoreFile(): { taken: string[]; left: RegExp[] } {
  const lines = readFileSync(join(repository, '.dockerignore'), 'utf8').split('\n').filter(Boolean);
  const entries = readdirSync(repository);
  const part = (text: string) => text.replaceAll('.', '\\.').replaceAll('*', '[^/]*');
  const asRegExp = (pattern: string) => new RegExp(`^${pattern.split('**/').map(part).join('(?:.*/)?')}(/|$)`);
  const taken = lines
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
    .flatMap((name) => (name.includes('*') ? entries.filter((entry) => asRegExp(name).test(entry)) : [name]));
  return { taken, left: lines.filter((line) => line.startsWith('**')).map(asRegExp) };
}
