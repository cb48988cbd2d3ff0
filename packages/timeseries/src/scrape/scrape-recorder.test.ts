import { isStaleMarker } from '@opendata/promql';
import { createRegistry } from '@opendata/server';
import { openStorage, silentLogger } from '@opendata/storage';
import { parseExposition } from '@opendata/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TimeSeriesDb } from '../db.ts';
import { OverloadedError } from '../head/errors.ts';
import { resolveScrapeJob, type ScrapeJob, scrapeConfigsSchema } from '../model/scrape-config.ts';
import { startScraping } from './scrape-manager.ts';
import { ScrapeRecorder, type ScrapeStore } from './scrape-recorder.ts';
import { targetsOf } from './target.ts';

const NOW = Date.UTC(2026, 0, 1, 12);

function jobOf(config: object = {}): ScrapeJob {
  const [parsed] = scrapeConfigsSchema.parse([
    { job_name: 'j', static_configs: [{ targets: ['127.0.0.1:1'] }], ...config },
  ]);
  return resolveScrapeJob({}, parsed!);
}
const recorderOf = (config: object = {}, store: ScrapeStore = db) =>
  new ScrapeRecorder(targetsOf(jobOf(config)).active[0]!, store);
const text = (body: string) => parseExposition(Buffer.from(body), 'text');

let db: TimeSeriesDb;
beforeEach(async () => {
  const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
  db = await TimeSeriesDb.open({ storage, logger: silentLogger, now: () => NOW });
});
afterEach(() => db.close());

async function valuesOf(name: string): Promise<(number | 'stale')[]> {
  const matchers = [{ name: '__name__', type: '=' as const, value: name }];
  const found = await db.select({ matchers, startMs: 0, endMs: NOW + 1e9 });
  return found.flatMap(({ values }) => Array.from(values, (value, i) => (isStaleMarker(values, i) ? 'stale' : value)));
}

describe('ScrapeRecorder', () => {
  it('takes the first of samples of one series, unless they have times of their own', async () => {
    const recorder = recorderOf();
    await recorder.record(text(`a 1\na 2\nb 1 ${NOW - 2000}\nb 2 ${NOW - 1000}\n`), NOW, 1);
    expect(await valuesOf('a')).toEqual([1]);
    expect(await valuesOf('b')).toEqual([1, 2]);
    expect(await valuesOf('scrape_samples_scraped')).toEqual([4]);
    expect(await valuesOf('scrape_series_added')).toEqual([1]);
  });

  it('remembers nothing of scrapes over the sample limit', async () => {
    const drop = { source_labels: ['__name__'], regex: 'drop.*', action: 'drop' };
    const recorder = recorderOf({ sample_limit: 3, metric_relabel_configs: [drop] });
    await recorder.record(text('a 1\ndrop_a 1\ndrop_b 1\n'), NOW, 1);
    const { series } = db.stats();
    for (let scrape = 1; scrape <= 5; scrape++) {
      const lines = Array.from({ length: 100 }, (_, i) => `a{i="${scrape}-${i}"} 1\ndrop_a{i="${scrape}-${i}"} 1\n`);
      const { error } = await recorder.record(text(lines.join('')), NOW + scrape * 1000, 1);
      expect(error?.message).toBe('sample limit exceeded: 100 samples, limit 3');
    }
    expect(db.stats().series).toBe(series);
    expect(await valuesOf('a')).toEqual([1, 'stale']);
    expect(await valuesOf('scrape_samples_post_metric_relabeling')).toEqual([1, 100, 100, 100, 100, 100]);
  });

  it('marks no series stale that a failed scrape was the first to have', async () => {
    const recorder = recorderOf({ label_limit: 4 });
    await recorder.record(text('a 1\n'), NOW, 1);
    await recorder.record(text('a 1\nb 1\nc{x="1",y="2"} 1\n'), NOW + 1000, 1);
    expect(await valuesOf('a')).toEqual([1, 'stale']);
    expect(await valuesOf('b')).toEqual([]);
    expect(await valuesOf('scrape_series_added')).toEqual([1, 0]);
  });

  it('makes up for staleness markers that could not be stored', async () => {
    let isFull = false;
    const store: ScrapeStore = {
      seriesId: (labels) => db.seriesId(labels),
      holdSeries: (holder) => db.holdSeries(holder),
      oldestMs: db.oldestMs,
      metadata: db.metadata,
      defineSeries: (floats) => db.defineSeries(floats),
      appendBatch(batch) {
        if (isFull) throw new OverloadedError('full');
        return db.appendBatch(batch);
      },
    };
    const recorder = recorderOf({}, store);
    await recorder.record(text('a 1\nb 1\n'), NOW, 1);
    isFull = true;
    await expect(recorder.record(text('a 1\nc 1\n'), NOW + 1000, 1)).rejects.toBeInstanceOf(OverloadedError);
    isFull = false;
    await recorder.record(text('a 1\n'), NOW + 2000, 1);
    expect(await valuesOf('a')).toEqual([1, 1]);
    expect(await valuesOf('b')).toEqual([1, 'stale']);
    expect(await valuesOf('c')).toEqual([]);
  });

  it('gives others their turns while it takes many new series', async () => {
    let isDone = false;
    let turns = 0;
    const count = () => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const relabelled = { source_labels: ['i'], regex: '(.*)0', target_label: 'tens' };
    const lines = Array.from({ length: 30_000 }, (_, i) => `a{i="${i}"} 1\n`);
    await recorderOf({ metric_relabel_configs: [relabelled] }).record(text(lines.join('')), NOW, 1);
    isDone = true;
    expect(turns).toBeGreaterThan(5);
    expect(db.stats().series).toBe(30_005);
  });
});

describe('startScraping', () => {
  it('goes on while there is no room for series', async () => {
    const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
    const full = await TimeSeriesDb.open({ storage, logger: silentLogger, maxSeries: 1 });
    const job = jobOf({ scrape_interval: '50ms', scrape_timeout: '50ms' });
    const registry = createRegistry();
    const manager = startScraping({ jobs: [job], store: full, registry, logger: silentLogger, version: '1' });
    await expect
      .poll(() => manager.targets()[0]?.lastError)
      .toBe('the limit of series in memory (head.max_series) is reached: 1 of 1');
    await manager.stop();
    await full.close();
  });
});
