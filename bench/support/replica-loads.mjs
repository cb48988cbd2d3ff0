import { encodeWriteRequest, snappyCompress } from '../../packages/wire/dist/index.js';

/**
 * What a benchmark of read replicas does with one of the servers: `writeLoad` is called once a second, `writeMarker` ten
 * times; `newestMarker` answers the largest one that a server shows.
 */
export const replicaLoads = { timeseries: timeSeriesLoad(), log: logLoad() };

/** 10,000 samples a second by remote write; a rate over all of their series is what is asked. */
function timeSeriesLoad() {
  const seriesCount = 10_000;
  const write = async (url, series) => {
    const body = snappyCompress(encodeWriteRequest({ series }));
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
    const response = await fetch(`${url}/api/v1/write`, { method: 'POST', headers, body });
    await response.text();
    return response.ok;
  };
  const ask = async (url, query) => {
    const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query })}`).catch(() => undefined);
    return response?.ok === true ? (await response.json()).data.result : undefined;
  };
  return {
    bin: 'packages/timeseries/bin/opendata-timeseries.js',
    readOnly: { config: 'read_only: true\n', args: [] },
    unit: 'samples',
    writesASecond: seriesCount,
    writeLoad(url) {
      const timestampMs = Date.now();
      const series = Array.from({ length: seriesCount }, (_, i) => ({
        labels: ['__name__', 'load_total', 'worker', `w${i}`],
        samples: [{ timestampMs, value: timestampMs / 1000 + i }],
      }));
      return write(url, series);
    },
    writeMarker: (url, timestampMs) =>
      write(url, [{ labels: ['__name__', 'marker'], samples: [{ timestampMs, value: timestampMs }] }]),
    newestMarker: async (url) => Number((await ask(url, 'marker'))?.[0]?.value[1] ?? 0),
    query: async (url) => (await ask(url, 'sum(rate(load_total[1m]))')) !== undefined,
  };
}

/** 10,000 records of 100 bytes a second, over 100 keys; the newest 100 of a key are what is asked. */
function logLoad() {
  const recordCount = 10_000;
  const value = Buffer.alloc(100, 'a record of some length, ').toString('base64');
  const keyOf = (i) => Buffer.from(`key-${i % 100}`).toString('base64');
  const load = JSON.stringify({
    records: Array.from({ length: recordCount }, (_, i) => ({ key: keyOf(i), value })),
    awaitDurable: true,
  });
  const append = async (url, body) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/api/v1/log/append`, { method: 'POST', headers, body });
    await response.text();
    return response.ok;
  };
  const scan = async (url, query) => {
    const response = await fetch(`${url}/api/v1/log/scan?${query}`).catch(() => undefined);
    return response?.ok === true ? (await response.json()).values : undefined;
  };
  return {
    bin: 'packages/log/bin/opendata-log.js',
    readOnly: { config: '', args: ['--read-only'] },
    unit: 'records',
    writesASecond: recordCount,
    writeLoad: (url) => append(url, load),
    writeMarker: (url, timestampMs) =>
      append(
        url,
        JSON.stringify({
          records: [
            {
              key: Buffer.from('marker').toString('base64'),
              value: Buffer.from(String(timestampMs)).toString('base64'),
            },
          ],
          awaitDurable: true,
        }),
      ),
    async newestMarker(url) {
      const newest = (await scan(url, 'key=marker&reverse=true&limit=1'))?.[0]?.value;
      return newest === undefined ? 0 : Number(Buffer.from(newest, 'base64').toString());
    },
    query: async (url) => (await scan(url, 'key=key-7&reverse=true&limit=100')) !== undefined,
  };
}
