import { request } from 'node:http';
import type { SelectRequest } from '@opendata/promql';
import { createHttpServer, createLogger, createRegistry } from '@opendata/server';
import { beginExposition } from '@opendata/wire';
import { describe, expect, it } from 'vitest';
import type { TimeSeriesReading } from '../read/reading.ts';
import { escapeName, federateContentType, federateFormat } from './federate-format.ts';
import { type FederatedSample, federateProtobuf } from './federate-protobuf.ts';
import { addFederateRoute } from './federate-route.ts';

const PROTOBUF =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8';

describe('the format of a federation', () => {
  // What Prometheus 3.15 answers.
  it.each([
    [undefined, 'text', 'underscores'],
    ['*/*', 'text', 'underscores'],
    ['application/openmetrics-text;version=1.0.0', 'text', 'underscores'],
    ['application/openmetrics-text;version=1.0.0;escaping=allow-utf-8,text/plain;q=0.1', 'text', 'allow-utf-8'],
    ['text/plain;version=1.0.0;escaping=allow-utf-8', 'text', 'allow-utf-8'],
    [PROTOBUF, 'protobuf', 'allow-utf-8'],
    [`${PROTOBUF};q=0.3,text/plain;version=0.0.4;escaping=underscores;q=0.5`, 'text', 'underscores'],
    [PROTOBUF.replace('delimited', 'text'), 'text', 'allow-utf-8'],
  ])('for %s is %s with %s', (accept, encoding, escaping) => {
    expect(federateFormat(accept)).toEqual({ encoding, escaping });
  });

  it('says so in its type', () => {
    expect(federateContentType({ encoding: 'text', escaping: 'underscores' })).toBe(
      'text/plain; version=0.0.4; charset=utf-8; escaping=underscores',
    );
  });

  it('escapes names only where it must', () => {
    expect(['my.metric', '1a', 'é😀x', 'a:b_1'].map((name) => escapeName(name, 'underscores'))).toEqual([
      'my_metric',
      '_a',
      '__x',
      'a:b_1',
    ]);
    expect(escapeName('my.metric', 'allow-utf-8')).toBe('my.metric');
  });
});

/** A whole answer; `turns` are told of each moment at which the event loop may have one. */
function protobufOf(samples: readonly FederatedSample[], onTurn: () => void = () => undefined): Buffer {
  const pieces = federateProtobuf(samples);
  const parts: Buffer[] = [];
  for (;;) {
    const { value, done } = pieces.next();
    if (value === undefined) onTurn();
    else parts.push(value);
    if (done === true) return Buffer.concat(parts);
  }
}

describe('a federation in protobuf', () => {
  it('gives turns within a large family, and has all of its samples and of the others', () => {
    const sampleOf = (name: string, i: number): FederatedSample => {
      const labels = [['i', `${i}`.padStart(200, 'x')]] as const;
      return { name, labels, timestampMs: 5000, value: i, histogram: undefined };
    };
    const samples = ['a', 'b', 'c'].flatMap((name) =>
      Array.from({ length: name === 'b' ? 5000 : 10 }, (_, i) => sampleOf(name, i)),
    );
    let turns = 0;
    const bytes = protobufOf(samples, () => turns++);
    expect(turns).toBeGreaterThan(10);
    const parse = beginExposition(bytes, 'protobuf');
    while (!parse.parseLines(100));
    expect(parse.finish().count).toBe(samples.length);
  });

  it('has the bytes that Prometheus writes', () => {
    const labels = [
      ['a', 'x\n"y'],
      ['instance', '127.0.0.1:21811'],
      ['job', 'j'],
      ['region', 'eu'],
    ] as const;
    const timestampMs = 1_795_337_983_642;
    const sample = { name: 'g_seconds', labels, timestampMs, value: 1.5, histogram: undefined };
    expect(protobufOf([sample]).toString('hex')).toBe(
      '610a09675f7365636f6e6473180322520a090a01611204780a22790a1b0a08696e7374616e6365120f3132372e302e302e313a3231383131' +
        '0a080a036a6f6212016a0a0c0a06726567696f6e120265752a0909000000000000f83f309aadee93a034',
    );
  });

  it('has native histograms, which are read again as they were', () => {
    const histogram = {
      schema: 1,
      counterResetHint: 'unknown' as const,
      zeroThreshold: 0.5,
      zeroCount: 1,
      count: 10.5,
      sum: 4.25,
      positiveSpans: [{ offset: -1, length: 2 }],
      positiveBuckets: Float64Array.of(2, 3.5),
      negativeSpans: [{ offset: 3, length: 1 }],
      negativeBuckets: Float64Array.of(4),
      customValues: new Float64Array(0),
    };
    const plain = { name: 'h', labels: [['job', 'j']] as const, timestampMs: 5000, value: 0 };
    const bytes = protobufOf([{ ...plain, histogram }]);
    const parse = beginExposition(bytes, 'protobuf', { nativeHistograms: true, classicToo: false });
    while (!parse.parseLines(100));
    const { histograms, count } = parse.finish();
    expect(count).toBe(0);
    expect(histograms).toHaveLength(1);
    expect(histograms![0]).toMatchObject({
      timestampMs: 5000,
      histogram: { ...histogram, counterResetHint: expect.any(String) },
    });
  });
});

it('ends when nobody waits for it any more', async () => {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const http = createHttpServer({ registry: createRegistry(), logger });
  let selected = (_request: SelectRequest): void => undefined;
  const asked = new Promise<SelectRequest>((resolve) => (selected = resolve));
  const select = (request: SelectRequest): Promise<never> => {
    selected(request);
    return new Promise((_, reject) => {
      request.signal?.addEventListener('abort', () => reject(request.signal!.reason));
    });
  };
  addFederateRoute(http.app, {
    database: () => ({ select }) as unknown as TimeSeriesReading,
    externalLabels: {},
    lookbackMs: 300_000,
    now: () => 0,
  });
  const { port } = await http.listen(0, '127.0.0.1');
  const client = request({ port, path: '/federate?match[]=up' }).on('error', () => undefined);
  client.end();
  const { signal } = await asked;
  client.destroy();
  await expect.poll(() => signal?.aborted).toBe(true);
  await http.close(0);
});
