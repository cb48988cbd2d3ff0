import { readFileSync } from 'node:fs';
import { runServer } from '@opendata/server';
import { checkStorageConfig } from '@opendata/storage';
import { configFromFlags, serverFlags } from './flags.ts';
import { startLogServer } from './server.ts';

const packageFile = new URL('../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };

await runServer({
  name: 'opendata-log',
  version,
  summary: 'A keyed append-only log on object storage: a stream for every key, one global sequence',
  flags: serverFlags,
  loadConfig(flags, env) {
    const config = configFromFlags(flags);
    checkStorageConfig(config.storage, env);
    return config;
  },
  describeConfig: (flags) => flags.config ?? 'command line',
  async start({ flags, config, logger, registry, readiness, fatal }) {
    const server = await startLogServer({ config, port: flags.port, logger, registry, readiness, fatal });
    logger.info({ port: server.port, storage: config.storage.type }, 'opendata-log is ready');
    if (process.stdout.isTTY || process.env['npm_lifecycle_event'] === 'start:log') {
      process.stdout.write(welcome(server.port));
    }
    return server;
  },
});

/** What to type next. The value is `hello` in base64. */
function welcome(port: number): string {
  const url = `http://localhost:${port}/api/v1/log`;
  return `
opendata-log listens on port ${port}. Append a record and read it back (keys and values are base64 in JSON):

  curl -s ${url}/append -H 'Content-Type: application/json' \\
    -d '{"records":[{"key":"b3JkZXJz","value":"aGVsbG8="}],"awaitDurable":true}'
  curl -s '${url}/scan?key=orders'

Follow a key, list keys and segments:

  curl -s '${url}/scan?key=orders&start_seq=1&follow=true'
  curl -s '${url}/keys'; curl -s '${url}/segments'

Health: /-/ready   Metrics: /metrics

`;
}
