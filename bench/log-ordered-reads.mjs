// Reads in the order of the log from a stored segment, in one process: node bench/log-ordered-reads.mjs [records 200000] [keys 10000]
import { openLog } from 'opendata-log';

const [records = '200000', keys = '10000'] = process.argv.slice(2).map(Number);
const value = Buffer.alloc(256, 120);
const log = await openLog({ type: 'InMemory' }, { sealBytes: 1024 * 1024 * 1024, headBudgetBytes: 2 ** 31 });
for (let i = 0; i < records; i += 1000) {
  const batch = Array.from({ length: 1000 }, (_, k) => ({
    key: Buffer.from(`user-${((i + k) * 7919) % keys}`),
    value,
  }));
  await log.append(batch, { awaitDurable: true });
}

async function measure(what, selection, options = {}) {
  for (let round = 0; round < 3; round++) {
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    let count = 0;
    let pages = 0;
    for (let start = 0; ; pages++) {
      const page = await log.readSelectedPage(selection, { ...options, start });
      if (page.count === 0) break;
      count += page.count;
      start = page.nextSequence;
    }
    const tookS = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    if (round < 2) continue;
    const row = { what, count, pages, ms: Math.round(tookS * 1000), recordsPerS: Math.round(count / tookS) };
    console.log(JSON.stringify({ ...row, cpuUsPerRecord: Number(((user + system) / count).toFixed(2)) }));
  }
}

const prefix = { prefixes: [Buffer.from('user-12')] };
await measure('everything, in memory', {});
await measure('a prefix, in memory', prefix);
log.sealActive();
await log.sealed();
await measure('everything, stored', {});
await measure('everything, stored, 1000 a page', {}, { limit: 1000 });
await measure('a prefix, stored', prefix);
const startedMs = performance.now();
for (let i = 0; i < 100; i++) await log.readSelectedPage(prefix, { last: 10 });
console.log(JSON.stringify({ what: 'the last 10 of a prefix, stored', ms: (performance.now() - startedMs) / 100 }));
await log.close();
