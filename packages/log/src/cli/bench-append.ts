import { defineCommand } from '@opendata/server/cli';
import { connectionFlags } from './common-flags.ts';

export const benchAppendCommand = defineCommand({
  summary: 'Measure appends: throughput and latency',
  flags: {
    ...connectionFlags,
    json: { type: 'boolean', help: 'Print the result as JSON' },
    duration: { type: 'duration', default: '10s', help: 'How long' },
    connections: { type: 'integer', short: 'C', min: 1, default: 16, help: 'Requests on their way at once' },
    batch: { type: 'integer', min: 1, default: 100, help: 'Records of a request' },
    size: { type: 'integer', default: 256, valueName: 'BYTES', help: 'Bytes of a value' },
    keys: { type: 'integer', min: 1, default: 1000, help: 'Keys, chosen at random' },
    prefix: { type: 'string', default: 'bench-', help: 'What the keys begin with' },
    session: { type: 'boolean', help: 'Through one append session, in which requests go along with one another' },
    durable: { type: 'boolean', default: true, help: 'Wait until the records are durable' },
    rate: {
      type: 'integer',
      valueName: 'PER_SECOND',
      min: 1,
      help: 'Requests a second; latency then counts from when a request was due. Without it: as many as there can be',
    },
  },
  async run({ flags, signal, output }) {
    const { connect } = await import('./connection.ts');
    const { runLoad } = await import('./bench-load.ts');
    const { randomBytes, randomInt } = await import('node:crypto');
    const { batch, size, keys, prefix, durable, connections, duration, rate } = flags;
    await using log = connect({ ...flags, 'retry-timeout': 0 });
    const value = randomBytes(size);
    const producer = flags.session
      ? log.producer({ lingerMs: 0, awaitDurable: durable, retryTimeoutMs: 0, maxInFlight: connections })
      : undefined;
    const places = producer === undefined ? `${connections} connections` : `${connections} in flight in a session`;
    const load = {
      title: `append, ${batch} x ${size} B, ${keys} keys, ${places}, ${durable ? 'durable' : 'not durable'}`,
      durationMs: duration,
      concurrency: connections,
      perSecond: rate,
    };
    await runLoad(load, { json: flags.json, signal, output }, async () => {
      const records = Array.from({ length: batch }, () => ({ key: `${prefix}${randomInt(keys)}`, value }));
      if (producer === undefined) await log.append(records, { awaitDurable: durable, signal });
      else {
        const tickets = await Promise.all(records.map((record) => producer.append(record)));
        await Promise.all(tickets.map(({ acknowledged }) => acknowledged));
      }
      return { records: batch, bytes: records.reduce((sum, { key }) => sum + key.length + size, 0) };
    });
  },
});
