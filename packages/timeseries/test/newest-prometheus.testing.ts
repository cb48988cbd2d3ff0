import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type ServerProcess, startOurs, startServer } from '../../../test/support/server-process.ts';

const binary = process.env['PROMETHEUS_NEWEST'] ?? '';

/** The newest Prometheus to compare with, where its path is given in PROMETHEUS_NEWEST. */
export const newestPrometheus: string | undefined = existsSync(binary) ? binary : undefined;

/** Our server in memory and the newest Prometheus, each on its configuration. */
export async function startBesidePrometheus(
  folder: string,
  configs: { readonly ours: string; readonly theirs: string },
  flags: readonly string[] = [],
): Promise<{ readonly ours: ServerProcess; readonly theirs: ServerProcess }> {
  const ourConfig = join(folder, 'ours.yaml');
  const theirConfig = join(folder, 'prometheus.yml');
  writeFileSync(ourConfig, `storage: {type: InMemory}\n${configs.ours}`);
  writeFileSync(theirConfig, configs.theirs);
  const port = await freePort();
  const [ours, theirs] = await Promise.all([
    startOurs('opendata-timeseries', ['--config', ourConfig]),
    startServer({
      command: binary,
      args: [
        `--config.file=${theirConfig}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
        ...flags,
      ],
      port,
    }),
  ]);
  return { ours, theirs };
}
