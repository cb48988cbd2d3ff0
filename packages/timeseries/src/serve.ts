import { loadWebAccess, printDuration, serve } from '@opendata/server';
import { boundNativeMemory, objectStoreTarget } from '@opendata/storage';
import { type ServerFlags, serverFlags } from './flags.ts';
import { loadCheckedConfig } from './model/checked-config.ts';
import { defaultConfig } from './model/config.ts';
import { createReloader } from './reload.ts';
import { startTimeSeriesServer } from './server.ts';

/** Memory outside V8's heap: from which size on a piece is mapped by itself, and by how much it may grow untidied. */
const MAPPED_BYTES = 256 * 1024;
const TRIMMED_GROWTH_BYTES = 16 * 1024 * 1024;

/** Runs the server, or only checks its configuration, to the exit of the process. */
export async function serveTimeSeries(version: string, flags: ServerFlags, checkConfig: boolean): Promise<void> {
  boundNativeMemory({ mappedBytes: MAPPED_BYTES, growthBytes: TRIMMED_GROWTH_BYTES });
  await serve(
    {
      name: 'opendata-timeseries',
      version,
      loadConfig(flags: ServerFlags, env) {
        const config = flags.config === undefined ? defaultConfig(flags.port) : loadCheckedConfig(flags.config, env);
        loadWebAccess(flags['web.config.file']);
        return config;
      },
      describeConfig: (flags) => flags.config ?? 'default configuration',
      async start({ flags, config, env, logger, registry, readiness, fatal }) {
        const web = loadWebAccess(flags['web.config.file']);
        const server = await startTimeSeriesServer({
          config,
          web,
          port: flags.port,
          ...(flags.host !== undefined && { host: flags.host }),
          version,
          logger,
          registry,
          readiness,
          fatal,
          query: {
            timeoutMs: flags['query.timeout'],
            maxConcurrency: flags['query.max-concurrency'],
            maxSamples: flags['query.max-samples'],
            maxBytes: flags['query.max-bytes'],
            maxQueued: flags['query.max-queued'],
            lookbackDeltaMs: flags['query.lookback-delta'],
            useStartTimestamps: flags['query.use-start-timestamps'],
          },
          flags: printFlags(flags),
          reloader: createReloader({ file: flags.config, config, registry }),
          lifecycleApi: flags['web.enable-lifecycle'],
        });
        const { address, port } = server;
        const storage = objectStoreTarget(config.storage, env).description;
        const why = config.isStorageDefault && { storageReason: 'the default, as no storage: section is configured' };
        const what = config.isReadOnly
          ? 'opendata-timeseries follows a database that another process writes'
          : 'opendata-timeseries is ready';
        logger.info({ address, port, storage, ...why }, what);
        if (process.stdout.isTTY || process.env['npm_lifecycle_event'] === 'start') {
          process.stdout.write(welcome(port, flags.config, storage));
        }
        return server;
      },
    },
    flags,
    checkConfig,
  );
}

/** The values as they would be typed, by name. */
function printFlags(flags: ServerFlags): Record<string, string> {
  const types: Readonly<Record<string, { readonly type: string }>> = serverFlags;
  return Object.fromEntries(
    Object.entries(flags).map(([name, value]) => {
      const isDuration = types[name]?.type === 'duration' && typeof value === 'number';
      return [name, isDuration ? printDuration(value) : String(value ?? '')];
    }),
  );
}

/** What to open and what to type next. */
function welcome(port: number, config: string | undefined, storage: string): string {
  const url = `http://localhost:${port}`;
  const origin = config === undefined ? 'The server scrapes itself.' : `Configuration: ${config}.`;
  return `
opendata-timeseries listens on port ${port}. Data goes to ${storage}. ${origin}

Open ${url} or ask it something:

  curl -s '${url}/api/v1/query?query=up'
  curl -s '${url}/api/v1/label/__name__/values'

Add it to Grafana as a Prometheus data source (${url}), or let a Prometheus write to it:

  remote_write:
    - url: ${url}/api/v1/write

Health: /-/ready   Metrics: /metrics

`;
}
