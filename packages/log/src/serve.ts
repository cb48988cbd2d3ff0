import { loadWebAccess, loosenHeapGrowth, serve } from '@opendata/server';
import { boundNativeMemory, checkStorageConfig, objectStoreTarget } from '@opendata/storage';
import { configFromFlags } from './config-from-flags.ts';
import type { ServerFlags } from './flags.ts';
import { startLogServer } from './server.ts';

/** Runs the server, or only checks its configuration, to the exit of the process. */
export async function serveLog(version: string, flags: ServerFlags, checkConfig: boolean): Promise<void> {
  loosenHeapGrowth();
  boundNativeMemory();
  await serve(
    {
      name: 'opendata-log',
      version,
      loadConfig(flags: ServerFlags, env) {
        const config = configFromFlags(flags);
        checkStorageConfig(config.storage, env);
        loadWebAccess(flags['web.config.file']);
        return config;
      },
      describeConfig: (flags) => flags.config ?? 'command line',
      async start({ flags, config, env, logger, registry, readiness, fatal }) {
        const { port, host } = flags;
        const options = {
          version,
          config,
          port,
          logger,
          registry,
          readiness,
          fatal,
          isReadOnly: flags['read-only'] === true,
          web: loadWebAccess(flags['web.config.file']),
          ...(host !== undefined && { host }),
        };
        const server = await startLogServer(options);
        const storage = objectStoreTarget(config.storage, env).description;
        const what =
          flags['read-only'] === true
            ? 'opendata-log follows a log that another process writes'
            : 'opendata-log is ready';
        logger.info({ address: server.address, port: server.port, storage }, what);
        if (
          flags['read-only'] !== true &&
          (process.stdout.isTTY || process.env['npm_lifecycle_event'] === 'start:log')
        ) {
          process.stdout.write(welcome(server.port, storage));
        }
        return server;
      },
    },
    flags,
    checkConfig,
  );
}

/** What to type next. The value is `hello` in base64. */
function welcome(port: number, storage: string): string {
  const url = `http://localhost:${port}/api/v1/log`;
  return `
opendata-log listens on port ${port}. Data goes to ${storage}. Append a record and read it back (keys and values are base64 in JSON):

  curl -s ${url}/append -H 'Content-Type: application/json' \\
    -d '{"records":[{"key":"b3JkZXJz","value":"aGVsbG8="}],"awaitDurable":true}'
  curl -s '${url}/scan?key=orders'

Follow a key, list keys and segments:

  curl -s '${url}/scan?key=orders&start_seq=1&follow=true'
  curl -s '${url}/keys'; curl -s '${url}/segments'

Health: /-/ready   Metrics: /metrics

`;
}
