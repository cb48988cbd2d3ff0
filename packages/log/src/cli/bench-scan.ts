import { CliError, defineCommand } from '@opendata/server/cli';
import { connectionFlags } from './common-flags.ts';

export const benchScanCommand = defineCommand({
  summary: 'Measure reads of random keys: throughput and latency',
  flags: {
    ...connectionFlags,
    json: { type: 'boolean', help: 'Print the result as JSON' },
    duration: { type: 'duration', default: '10s', help: 'How long' },
    connections: { type: 'integer', short: 'C', min: 1, default: 16, help: 'Reads on their way at once' },
    keys: { type: 'integer', min: 1, default: 10_000, help: 'At most so many keys are listed to choose from' },
    prefix: { type: 'string', default: 'bench-', help: 'Keys that begin with this' },
    last: { type: 'integer', min: 1, default: 100, valueName: 'N', help: 'The last N records of a key are read' },
    rate: {
      type: 'integer',
      valueName: 'PER_SECOND',
      min: 1,
      help: 'Reads a second; latency then counts from when a read was due. Without it: as many as there can be',
    },
  },
  async run({ flags, signal, output }) {
    const { connect } = await import('./connection.ts');
    const { runLoad } = await import('./bench-load.ts');
    const { randomInt } = await import('node:crypto');
    const { prefix, last, connections, duration, rate } = flags;
    await using log = connect({ ...flags, 'retry-timeout': 0 });
    const keys: Uint8Array[] = [];
    for await (const key of log.keys({ prefix, limit: flags.keys, signal })) keys.push(key);
    if (keys.length === 0 && !signal.aborted) {
      throw new CliError(`there is no key that begins with "${prefix}": run bench append first, or give --prefix`);
    }
    const load = {
      title: `scan, last ${last} records of ${keys.length} keys, ${connections} connections`,
      durationMs: duration,
      concurrency: connections,
      perSecond: rate,
    };
    await runLoad(load, { json: flags.json, signal, output }, async () => {
      const found = { records: 0, bytes: 0 };
      for await (const { value } of log.read(keys[randomInt(keys.length)]!, { last, signal })) {
        found.records++;
        found.bytes += value.length;
      }
      return found;
    });
  },
});
