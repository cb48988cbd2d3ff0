import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findManifest, type Manifest } from './chart-tools.ts';
import { findCommand } from './commands.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const script = fileURLToPath(new URL('pod.sh', import.meta.url));
const repository = fileURLToPath(new URL('../..', import.meta.url));
const unshare = findCommand('unshare');

/** Whether this process may make a root file system of its own (Linux, as root). */
export const canRunPods = unshare !== undefined && findCommand('setpriv') !== undefined && mayMount();

export interface PodOptions {
  /** A rendered chart. */
  readonly manifests: readonly Manifest[];
  /** Name of its Deployment; the first one by default. */
  readonly deployment?: string;
  /** For its volumes; also what is left of them when the pod has ended. */
  readonly folder: string;
  /** The port of the container, which is the port of this machine. */
  readonly port: number;
  /** What the image has under /app: this repository by default. */
  readonly app?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The volume of the disk cache is in memory and of this size (`8m`), and empty at every start. */
  readonly cacheVolumeSize?: string;
  readonly extraArgs?: readonly string[];
}

/**
 * Runs the container of the chart's Deployment as a kubelet would, with its arguments, environment and volumes, the
 * ConfigMap's files as they are, as user 1000 on a read-only root file system; and waits until it is ready.
 */
export function startPod(options: PodOptions): Promise<ServerProcess> {
  const { manifests, deployment, folder, port, env = {} } = options;
  const [container] = findManifest(manifests, 'Deployment', deployment).spec.template.spec.containers;
  const own = Object.fromEntries(container.env.map(({ name, value }: Manifest) => [name, value]));
  return startServer({
    command: unshare!,
    args: podArguments(options),
    port,
    cwd: folder,
    readyPath: container.readinessProbe.httpGet.path,
    env: { ...own, ...env },
  });
}

/** Runs the container to its end. @returns its standard output */
export function runPod(options: PodOptions): string {
  return execFileSync(unshare!, podArguments(options), { encoding: 'utf8', stdio: 'pipe', timeout: 60_000 });
}

function podArguments(options: PodOptions): string[] {
  const { manifests, folder, port, app = repository, cacheVolumeSize = 'rw', extraArgs = [] } = options;
  const deployment = findManifest(manifests, 'Deployment', options.deployment);
  const pod = deployment.spec.template.spec;
  const [container] = pod.containers;
  const mounts = container.volumeMounts
    .filter(({ mountPath }: Manifest) => mountPath !== '/tmp')
    .map(({ name, mountPath, readOnly }: Manifest) => {
      const volume = pod.volumes.find((candidate: Manifest) => candidate.name === name);
      const source = join(folder, `volume-${name}`);
      mkdirSync(source, { recursive: true });
      if (volume.configMap !== undefined) writeConfigMap(manifests, volume.configMap, source);
      else chownSync(source, pod.securityContext.runAsUser, pod.securityContext.fsGroup);
      return `${source}:${mountPath}:${readOnly === true ? 'ro' : name === 'cache' ? cacheVolumeSize : 'rw'}`;
    });
  const root = join(folder, 'root');
  mkdirSync(root, { recursive: true });
  const bin = `/app/packages/${container.name}/bin/opendata-${container.name}.js`;
  const args = [...container.args, ...extraArgs].map((arg: string) =>
    arg === String(container.ports[0].containerPort) ? String(port) : arg,
  );
  return ['--mount', script, root, process.execPath, app, ...mounts, '--', bin, ...args];
}

function writeConfigMap(manifests: readonly Manifest[], { name, items }: Manifest, target: string): void {
  const { data } = findManifest(manifests, 'ConfigMap', name);
  for (const { key, path } of items) {
    const file = join(target, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, data[key]);
  }
}

function mayMount(): boolean {
  try {
    execFileSync(unshare!, ['--mount', 'mount', '-t', 'tmpfs', 'probe', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
