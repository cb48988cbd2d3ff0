/** A small server on the runtime, driven by environment variables; the tests run it as a process. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createHttpServer, loadYamlConfig, parseDuration, requestSignal, runServer } from '../dist/index.js';

const schema = z.strictObject({
  greeting: z.string().default('hello'),
  wait_for_go: z.boolean().default(false),
  close_delay_ms: z.number().default(0),
  close_error: z.enum(['fenced', 'other']).optional(),
  start_error: z.enum(['config', 'fenced', 'other']).optional(),
});

await runServer({
  name: 'fixture-server',
  version: '1.2.3',
  summary: 'A server for the tests of the server runtime.',
  flags: {
    config: { type: 'string', short: 'c', env: 'FIXTURE_CONFIG', valueName: 'FILE', help: 'Configuration file' },
    port: { type: 'port', env: 'FIXTURE_PORT', default: 0, help: 'Port to listen on' },
  },
  stopDeadlineMs: parseDuration(process.env.FIXTURE_STOP_DEADLINE ?? '10s'),
  loadConfig: async (flags) => {
    if (process.env.FIXTURE_LOADS_FOR_EVER !== undefined) {
      process.stdout.write(`${JSON.stringify({ msg: 'loading' })}\n`);
      await sleep(600_000);
    }
    if (process.env.FIXTURE_LOADS_IN_ONE_PIECE !== undefined) {
      process.stdout.write(`${JSON.stringify({ msg: 'loading' })}\n`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    }
    return flags.config === undefined ? schema.parse({}) : loadYamlConfig(flags.config, schema);
  },
  describeConfig: (flags) => flags.config ?? 'defaults',
  commands: {
    greet: {
      summary: 'Greet somebody',
      flags: {},
      positionals: [{ name: 'NAME', help: 'who to greet' }],
      run: async ({ positionals: [name], output }) => {
        if (name === 'nobody') throw new Error('there is nobody to greet');
        if (name === 'later') throw Object.assign(new Error('come back later'), { code: 'unavailable' });
        await output.write(`hello ${name}\n`);
      },
    },
    'count up': {
      summary: 'Count until stopped',
      flags: { json: { type: 'boolean', help: 'Print JSON lines' } },
      run: async ({ signal, output }) => {
        for (let i = 0; !signal.aborted; i++) {
          await output.json(i);
          await sleep(1);
        }
        output.note('stopped counting');
      },
    },
  },
  start: async (context) => {
    const { config, flags, logger } = context;
    const startGate = {};
    startGate.promise = new Promise((resolve) => {
      startGate.resolve = resolve;
    });
    const http = createHttpServer({ registry: context.registry, logger, ready: context.readiness });
    http.app.get('/greeting', async () => config.greeting);
    http.app.get('/late', async () => {
      await once(http.draining, 'abort');
      await sleep(200);
      return 'done';
    });
    http.app.get('/never', () => new Promise(() => {}));
    http.app.post('/go', () => {
      startGate.resolve();
      return 'going';
    });
    http.app.get('/follow', async (_request, reply) => {
      const left = requestSignal(reply);
      await new Promise((resolve) => {
        http.draining.addEventListener('abort', resolve);
        left.addEventListener('abort', resolve);
      });
      if (left.aborted) logger.info({}, 'follower left');
      return 'no more';
    });
    http.app.post('/crash', () => {
      setImmediate(() => {
        throw new Error('on purpose');
      });
      return 'crashing';
    });
    http.app.post('/reject', () => {
      void Promise.reject(new Error('on purpose'));
      return 'rejecting';
    });
    http.app.post('/fence', () => {
      context.fatal(Object.assign(new Error('epoch 2 is newer'), { code: 'fenced' }));
      return context.readiness();
    });
    const { port } = await http.listen(flags.port, '127.0.0.1');
    logger.info({ port }, 'listening');
    context.stopping.addEventListener('abort', () => startGate.resolve());
    if (config.wait_for_go) await startGate.promise;
    if (config.start_error === 'config') throw Object.assign(new Error('no such bucket'), { code: 'config' });
    if (config.start_error === 'fenced') throw Object.assign(new Error('epoch 2 is newer'), { code: 'fenced' });
    if (config.start_error === 'other') throw new Error('out of luck');
    return {
      close: async (deadlineMs) => {
        const brokenOff = await http.close(deadlineMs / 2);
        await sleep(config.close_delay_ms);
        if (config.close_error === 'fenced') throw Object.assign(new Error('epoch 2 is newer'), { code: 'fenced' });
        if (config.close_error === 'other') throw new Error('out of luck');
        logger.info({ brokenOff }, 'closed');
      },
      reload: async () => {
        if (process.env.FIXTURE_RELOAD === 'fails') throw new Error('no longer there');
      },
    };
  },
});
