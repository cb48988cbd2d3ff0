// The log's wire formats, on one core and without I/O: append requests in, scan responses out, against `npm run build`.
// node bench/wire-log.mjs [seconds]
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import {
  beginMessage,
  createProtoWriter,
  decodeAppendRequest,
  encodeScanResponse,
  endMessage,
  writeBytesField,
  writtenBytes,
} from '../packages/wire/dist/index.js';

const RECORDS = 100;
const seconds = Number(process.argv[2] ?? 1);

/** k records/s of processor time: the best of five rounds. */
function measure(name, run) {
  let best = 0;
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    const before = process.cpuUsage();
    let done = 0;
    while (performance.now() - start < (seconds * 1000) / 5) {
      for (let n = 0; n < 50; n++) run();
      done += 50;
    }
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, (done * RECORDS * 1000) / (user + system));
  }
  process.stdout.write(`${name.padEnd(40)} ${best.toFixed(0)} k records/s\n`);
}

for (const sizeBytes of [256, 1024]) {
  const records = Array.from({ length: RECORDS }, (_, i) => ({
    key: Buffer.from(`key-${i % 10}`),
    value: randomBytes(sizeBytes),
  }));
  const writer = createProtoWriter();
  for (const { key, value } of records) {
    const mark = beginMessage(writer, 1);
    writeBytesField(writer, 1, key);
    writeBytesField(writer, 2, value);
    endMessage(writer, mark);
  }
  const protobuf = writtenBytes(writer);
  const base64 = ({ key, value }) => ({ key: key.toString('base64'), value: value.toString('base64') });
  const json = Buffer.from(JSON.stringify({ records: records.map(base64), awaitDurable: true }));
  const columns = {
    count: RECORDS,
    sequences: Float64Array.from(records, (_, i) => 1e9 + i),
    sources: records.map(({ value }) => value),
    starts: new Uint32Array(RECORDS),
    ends: Uint32Array.from(records, ({ value }) => value.length),
    nextSequence: 1e9 + RECORDS,
  };
  measure(`append protobuf, 100 x ${sizeBytes} B`, () => decodeAppendRequest('protobuf', protobuf));
  measure(`append JSON, 100 x ${sizeBytes} B`, () => decodeAppendRequest('json', json));
  measure(`scan protobuf, 100 x ${sizeBytes} B`, () => encodeScanResponse('protobuf', records[0].key, columns));
  measure(`scan JSON, 100 x ${sizeBytes} B`, () => encodeScanResponse('json', records[0].key, columns));
}
