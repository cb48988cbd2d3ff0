// A mailbox for every key, and a reader for every mailbox:
//   node bench/log-mailbox.mjs [keys 1000000] [polls/s 1000] [records/s 2000] [seconds 30]
// Mailboxes get three messages on average to begin with, and more while it runs. Each reader has read up to a place of its
// own: half of them everything but the last few seconds, the others anything. Polls and appends are due at fixed times, and
// their latency counts from then: what a stalled server holds up is in it. Object reads are those of the storage engine.
import { decodeScanResponse } from '@opendata/wire';
import { appendBody, inParallel, openLoop, quantile, seeded, startLogServer } from './support/log-server.mjs';

const [keyCount = 1_000_000, pollsPerS = 1000, recordsPerS = 2000, seconds = 30] = process.argv.slice(2).map(Number);
const messagesOfMailbox = 3;
const batchRecords = 500;
const appendRecords = 20;
const random = seeded(7);
const keyOf = (n) => Buffer.from(`mailbox-${n}`);
const value = Buffer.alloc(256, 'a message of some length, ');
const anyKey = () => Math.floor(random() * keyCount);
const batch = (size, awaitDurable) => {
  const keys = Array.from({ length: size }, () => keyOf(anyKey()));
  return appendBody(
    keys,
    keys.map(() => value),
    awaitDurable,
  );
};

const log = await startLogServer();
try {
  const loadStartMs = performance.now();
  const preloaded = keyCount * messagesOfMailbox;
  await inParallel(8, preloaded / batchRecords, () => log.append(batch(batchRecords, true)));
  const loadS = (performance.now() - loadStartMs) / 1000;
  console.log(JSON.stringify({ loaded: preloaded, loadS: Number(loadS.toFixed(1)), rssMB: Math.round(log.rssMB()) }));
  while ((await log.metric('log_segments_waiting')) > 0) await new Promise((resolve) => setTimeout(resolve, 200));

  const nearEnd = Math.max(0, preloaded - 10 * recordsPerS);
  const cursors = Float64Array.from({ length: keyCount }, () =>
    random() < 0.5 ? nearEnd : Math.floor(random() * preloaded),
  );
  let received = 0;
  let fullPolls = 0;
  const poll = async () => {
    const n = anyKey();
    const answer = await log.get(`/api/v1/log/scan?key=mailbox-${n}&start_seq=${cursors[n]}&limit=100`);
    const { records } = decodeScanResponse('protobuf', answer);
    received += records.count;
    if (records.count === 0) return;
    fullPolls++;
    cursors[n] = records.sequences[records.count - 1] + 1;
  };

  const isRead = (labels) => labels.includes('op="get"');
  const counts = async () => ({
    objectReads: await log.metric('slatedb_object_store_request_count_total', isRead),
    misses: await log.metric('storage_page_cache_misses_total'),
  });
  for (const phase of ['first', 'second']) {
    received = 0;
    fullPolls = 0;
    const before = await counts();
    const cpuBefore = log.cpuS();
    const [polls, appends] = await Promise.all([
      openLoop(pollsPerS, seconds, poll),
      openLoop(recordsPerS / appendRecords, seconds, () => log.append(batch(appendRecords, true))),
    ]);
    const after = await counts();
    const perPoll = (what) => Number(((after[what] - before[what]) / polls.length).toFixed(3));
    console.log(
      JSON.stringify({
        phase,
        keys: keyCount,
        polls: polls.length,
        pollP50Ms: quantile(polls, 0.5),
        pollP99Ms: quantile(polls, 0.99),
        pollP999Ms: quantile(polls, 0.999),
        objectReadsAPoll: perPoll('objectReads'),
        pageReadsAPoll: perPoll('misses'),
        recordsAPoll: Number((received / polls.length).toFixed(2)),
        pollsWithRecords: Number((fullPolls / polls.length).toFixed(2)),
        durableAppendP50Ms: quantile(appends, 0.5),
        durableAppendP99Ms: quantile(appends, 0.99),
        serverCpuS: Number((log.cpuS() - cpuBefore).toFixed(1)),
        rssMB: Math.round(log.rssMB()),
      }),
    );
  }
} finally {
  await log.stop();
}
