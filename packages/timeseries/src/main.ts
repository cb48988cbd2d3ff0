import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runServer } from '@opendata/server';
import { checkStorageConfig } from '@opendata/storage';
import { defaultConfig, loadConfig } from './model/config.ts';
import { startTimeSeriesServer } from './server.ts';

const packageFile = new URL('../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };

// The bytes of request bodies count like garbage in the heap, which is small beside them: with the growth that V8 would
// choose it marks all of the heap every hundred requests, and that is a tenth of what a request costs.
setFlagsFromString('--heap-growing-percent=300');

await runServer({
  name: 'opendata-timeseries',
  version,
  summary: 'A Prometheus-compatible time series database that keeps everything in object storage',
  flags: {
    config: {
      type: 'string',
      short: 'c',
      env: 'PROMETHEUS_CONFIG_FILE',
      valueName: 'FILE',
      help: 'Configuration file (YAML); without one: folder .data, scraping itself',
    },
    port: { type: 'port', short: 'p', env: 'OPEN_TSDB_PORT', default: 9090, help: 'Port to listen on' },
    'query.timeout': { type: 'duration', default: '2m', help: 'Time after which a query is ended' },
    'query.max-concurrency': { type: 'integer', min: 1, default: 20, help: 'Queries that run at once; others wait' },
    'query.max-samples': {
      type: 'integer',
      min: 1,
      default: 50_000_000,
      help: 'Samples that a query may hold in memory; one that needs more fails',
    },
    'query.lookback-delta': { type: 'duration', default: '5m', help: 'How far back an instant selector looks' },
  },
  loadConfig(flags, env) {
    const config = flags.config === undefined ? defaultConfig(flags.port) : loadConfig(flags.config);
    checkStorageConfig(config.storage, env);
    return config;
  },
  describeConfig: (flags) => flags.config ?? 'default configuration',
  async start({ flags, config, logger, registry, readiness, fatal }) {
    const server = await startTimeSeriesServer({
      config,
      port: flags.port,
      version,
      logger,
      registry,
      readiness,
      fatal,
      query: {
        timeoutMs: flags['query.timeout'],
        maxConcurrency: flags['query.max-concurrency'],
        maxSamples: flags['query.max-samples'],
        lookbackDeltaMs: flags['query.lookback-delta'],
      },
      flags: Object.fromEntries(Object.entries(flags).map(([name, value]) => [name, String(value ?? '')])),
      configText: flags.config === undefined ? '' : readFileSync(flags.config, 'utf8'),
    });
    logger.info({ port: server.port, storage: config.storage.type }, 'opendata-timeseries is ready');
    if (process.stdout.isTTY || process.env['npm_lifecycle_event'] === 'start') {
      process.stdout.write(welcome(server.port, flags.config));
    }
    return server;
  },
});

/** What to open and what to type next. */
function welcome(port: number, config: string | undefined): string {
  const url = `http://localhost:${port}`;
  const place =
    config === undefined ? 'Data goes to the folder .data; the server scrapes itself.' : `Configuration: ${config}.`;
  return `
opendata-timeseries listens on port ${port}. ${place}

Open ${url} or ask it something:

  curl -s '${url}/api/v1/query?query=up'
  curl -s '${url}/api/v1/label/__name__/values'

Add it to Grafana as a Prometheus data source (${url}), or let a Prometheus write to it:

  remote_write:
    - url: ${url}/api/v1/write

Health: /-/ready   Metrics: /metrics

`;
}
