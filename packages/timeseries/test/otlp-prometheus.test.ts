import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerProcess } from '../../../test/support/server-process.ts';
import { newestPrometheus, startBesidePrometheus } from './newest-prometheus.testing.ts';
import { exponential, gauge, histogram, nanos, post, request, sum, summary } from './otlp-payloads.testing.ts';

const END_MS = Math.floor(Date.now() / 1000) * 1000 - 60_000;
const START = nanos(END_MS - 3_600_000);

const NAMES = [
  ['plain', ''],
  ['http.server.duration', 's'],
  ['http.server.duration', 'ms'],
  ['already_seconds', 's'],
  ['seconds', 's'],
  ['tokens.total', '{token}'],
  ['total.tokens', '1'],
  ['ratio.of.things', '1'],
  ['rate', 'By/s'],
  ['rate_per_second', 'By/s'],
  ['rate_bytes', 'By/s'],
  ['odd.unit', 'widgets/foo'],
  ['odd.unit2', '__x__/__y__'],
  ['odd.unit3', 'a b/'],
  ['odd.unit4', '/s'],
  ['odd.unit5', '{x}/s'],
  ['odd.unit6', 's/{x}'],
  ['percent.used', '%'],
  ['2nd.metric', 'KiBy'],
  ['_x_', 'Hz'],
  ['a__b..c', 'Cel'],
  ['émile.größe', 'm'],
  ['mixed:colon.name', 'd'],
  ['kilo', 'KBy/mo'],
  ['unit.with.star', 'm*m/s'],
  ['speed', 'm/s/s'],
  ['x.bytes', 'By'],
  ['bytes', 'By'],
  ['x_total', ''],
  ['total', ''],
  ['x ratio', '1'],
  ['x.ratio.y', '1'],
] as const;

const RESOURCE = {
  'service.name': 'checkout',
  'service.namespace': 'shop',
  'service.instance.id': 'i-1',
  'cloud.region': 'eu-1',
  'host.name': 'h1',
  __reserved__: 'r',
  __half: 'h',
  __in__ner__: 'i',
};

const ATTRIBUTES = {
  'a.b': '1',
  a_b: '2',
  a__b: '3',
  _private: 'p',
  '9lives': 'c',
  'with space': 's',
  émile: 'e',
  empty: '',
  flag: true,
  int: 12345678901234567890n % 9007199254740995n,
  double: 0.1,
  small: 1e-7,
  large: 1.5e21,
  whole: 3,
  list: ['x', 1n, true, 1.5, null, '<&>'],
  map: { z: 'last', a: [1n], 'b"': new Uint8Array([1, 2, 255]) },
  bytes: new Uint8Array([0, 1, 2, 250]),
  'cloud.region': 'of the point',
  job: 'not this one',
};

const exemplar = (offsetMs: number, value: number, more: object = {}) => ({
  timeUnixNano: nanos(END_MS - offsetMs),
  asDouble: value,
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  ...more,
});

/** One request of every kind of metric, each with what is special about it. */
function payloads(section: string): object[] {
  const at = (offsetMs: number) => ({ startTimeUnixNano: START, timeUnixNano: nanos(END_MS - offsetMs) });
  const named = NAMES.flatMap(([name, unit], i) => [
    gauge(name, [{ ...at(0), asDouble: i, attributes: [{ key: 'g', value: { stringValue: String(i) } }] }], { unit }),
    sum(name, true, [{ ...at(0), asInt: String(i), attributes: [{ key: 's', value: { stringValue: String(i) } }] }], {
      unit,
    }),
    sum(name, false, [{ ...at(0), asInt: `-${i}`, attributes: [{ key: 'n', value: { stringValue: String(i) } }] }], {
      unit,
    }),
  ]);
  const attributes = Object.entries(ATTRIBUTES).map(([key, value]) => ({ key, value: toAnyValue(value) }));
  const buckets = [
    { ...at(20_000), count: '10', sum: 55.5, bucketCounts: ['1', '2', '3', '4'], explicitBounds: [1e-7, 2.5, 1e21] },
    {
      ...at(0),
      count: '12',
      sum: 60,
      bucketCounts: ['1', '2', '3', '6'],
      explicitBounds: [1e-7, 2.5, 1e21],
      exemplars: [exemplar(1000, 1e-8), exemplar(900, 2), exemplar(800, 1e22)],
    },
  ];
  const scales = [-4, -1, 0, 3, 8, 9, 12].map((scale) =>
    exponential(`exponential.scale.${scale < 0 ? 'm' : ''}${Math.abs(scale)}`, [
      {
        ...at(0),
        count: '27',
        sum: 12.25,
        scale,
        zeroCount: '2',
        zeroThreshold: 0,
        positive: { offset: -3, bucketCounts: ['1', '0', '0', '0', '4', '1', '0', '7'] },
        // Prometheus puts the count behind an empty first bucket one too low where it has to reduce the scale.
        negative: { offset: 5, bucketCounts: scale > 8 ? ['3', '0', '9'] : ['0', '3', '0', '9'] },
      },
    ]),
  );
  return [
    request(named, { resource: RESOURCE }),
    request([gauge('attributes', [{ ...at(0), asDouble: 1, attributes }])], {
      resource: RESOURCE,
      scope: { name: 'my.scope', version: '1.2', attributes: [{ key: 's.a', value: { stringValue: 'x' } }] },
      schemaUrl: 'https://example.com/schema',
    }),
    request(
      [
        histogram('latency', buckets, { unit: 's' }),
        histogram('no.sum', [{ ...at(0), count: '3', bucketCounts: ['3'], explicitBounds: [] }]),
        // Prometheus answers 500 where it has to make a native histogram of this.
        ...(section.includes('nhcb') ? [] : [histogram('no.buckets', [{ ...at(0), count: '3', sum: 1 }])]),
        ...scales,
        exponential('exponential.thresholds', [
          { ...at(0), count: '1', sum: 1, scale: 0, zeroThreshold: 0.25, positive: { offset: 1, bucketCounts: ['1'] } },
        ]),
        summary('rpc', [
          {
            ...at(0),
            count: '8',
            sum: 16,
            quantileValues: [
              { quantile: 0.5, value: 1 },
              { quantile: 0.999, value: 2.5 },
              { quantile: 1, value: 7 },
            ],
          },
        ]),
        sum('traced', true, [
          { ...at(30_000), asInt: '4', exemplars: [exemplar(31_000, 4)] },
          {
            ...at(0),
            asInt: '5',
            exemplars: [
              exemplar(500, 1, { filteredAttributes: [{ key: 'user.id', value: { stringValue: 'u1' } }] }),
              exemplar(400, 1, { filteredAttributes: [{ key: 'long', value: { stringValue: 'u'.repeat(120) } }] }),
            ],
          },
        ]),
      ],
      { resource: { 'service.name': 'only-name', other: 'x' } },
    ),
    // From an hour ago until now: target_info is written in between.
    request(
      [
        gauge('sparse', [
          { ...at(3_500_000), asDouble: 1 },
          { ...at(0), asDouble: 2 },
        ]),
      ],
      {
        resource: { 'service.name': 'sparse', other: 'x' },
      },
    ),
    request([gauge('without.service', [{ ...at(0), asDouble: 1 }])], { resource: { other: 'x' } }),
    request([gauge('only.identity', [{ ...at(0), asDouble: 1 }])], { resource: { 'service.name': 'lonely' } }),
    request([
      gauge('ended', [
        { ...at(20_000), asDouble: 1 },
        { ...at(10_000), flags: 1 },
      ]),
      sum('ended.sum', true, [
        { ...at(20_000), asDouble: 1 },
        { ...at(10_000), flags: 1 },
      ]),
      histogram('ended.histogram', [
        { ...buckets[0]!, ...at(20_000) },
        { ...buckets[0]!, ...at(10_000), flags: 1 },
      ]),
      summary('ended.summary', [
        { ...at(20_000), count: '1', sum: 1 },
        { ...at(10_000), flags: 1 },
      ]),
      exponential('ended.exponential', [
        { ...at(20_000), count: '1', sum: 1, positive: { offset: 0, bucketCounts: ['1'] } },
        { ...at(10_000), flags: 1 },
      ]),
    ]),
  ];
}

function toAnyValue(value: unknown): object {
  if (typeof value === 'bigint') return { intValue: String(value) };
  if (typeof value === 'number') return { doubleValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'string') return { stringValue: value };
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(toAnyValue) } };
  if (value === null) return {};
  const values = Object.entries(value as object).map(([key, one]) => ({ key, value: toAnyValue(one) }));
  return { kvlistValue: { values } };
}

const SECTIONS: readonly (readonly [string, string])[] = [
  ['defaults', 'otlp: {}'],
  ['UnderscoreEscapingWithoutSuffixes', 'otlp: {translation_strategy: UnderscoreEscapingWithoutSuffixes}'],
  [
    'NoUTF8EscapingWithSuffixes, all resource attributes',
    'otlp: {translation_strategy: NoUTF8EscapingWithSuffixes, promote_all_resource_attributes: true, ignore_resource_attributes: [host.name]}',
  ],
  [
    'NoTranslation, scope',
    'otlp: {translation_strategy: NoTranslation, promote_scope_metadata: true, keep_identifying_resource_attributes: true}',
  ],
  [
    'promoted attributes, custom buckets',
    'otlp: {promote_resource_attributes: [cloud.region, service.name, absent], convert_histograms_to_nhcb: true, promote_scope_metadata: true, label_name_underscore_sanitization: false}',
  ],
  [
    'single underscores',
    'otlp: {label_name_preserve_multiple_underscores: false, keep_identifying_resource_attributes: true}',
  ],
];

describe.skipIf(newestPrometheus === undefined).each(SECTIONS)(
  'OTLP and the newest Prometheus: %s',
  (_name, section) => {
    const folder = mkdtempSync(join(tmpdir(), 'otlp-prometheus-'));
    let ours: ServerProcess;
    let theirs: ServerProcess;

    beforeAll(async () => {
      ({ ours, theirs } = await startBesidePrometheus(
        folder,
        {
          ours: `${section}\n`,
          theirs: `storage:\n  tsdb: {out_of_order_time_window: 2h}\n  exemplars: {max_exemplars: 1000}\n${section}\n`,
        },
        ['--web.enable-otlp-receiver', '--enable-feature=exemplar-storage,native-histograms'],
      ));
      for (const payload of payloads(section)) {
        for (const { url } of [ours, theirs]) {
          const response = await post(url, payload);
          const text = await response.text();
          expect([response.status, text.slice(0, 500)], url).toEqual([
            200,
            url === ours.url ? '{}' : text.slice(0, 500),
          ]);
        }
      }
    });

    afterAll(async () => {
      await Promise.all([ours?.kill('SIGTERM'), theirs?.kill('SIGTERM')]);
      rmSync(folder, { recursive: true, force: true });
    });

    async function both(path: string): Promise<[unknown, unknown]> {
      const answers = await Promise.all(
        [ours, theirs].map(async ({ url }) => {
          const response = await fetch(`${url}/api/v1/${path}`);
          return ((await response.json()) as { data: unknown }).data;
        }),
      );
      return [answers[0], answers[1]];
    }

    const seconds = END_MS / 1000;

    it('has the same series with the same samples', async () => {
      const query = encodeURIComponent('{__name__=~".+"}[2h]');
      const [actual, expected] = await both(`query?query=${query}&time=${seconds + 1}`);
      expect(byLabels(actual)).toEqual(byLabels(expected));
    });

    it('has the same series in the end, without those that have ended', async () => {
      const query = encodeURIComponent('{__name__=~".+"}');
      const [actual, expected] = await both(`query?query=${query}&time=${seconds}`);
      expect(byLabels(actual)).toEqual(byLabels(expected));
    });

    it('has the same exemplars', async () => {
      const query = encodeURIComponent('{__name__=~".+"}');
      const [actual, expected] = await both(
        `query_exemplars?query=${query}&start=${seconds - 7200}&end=${seconds + 60}`,
      );
      expect(exemplarsBySeries(actual)).toEqual(exemplarsBySeries(expected));
    });
  },
);

/** A query's result by the text of the labels. */
function byLabels(data: unknown): Record<string, unknown> {
  const { result } = data as { result: { metric: Record<string, string> }[] };
  return Object.fromEntries(result.map(({ metric, ...rest }) => [labelsText(metric), rest]));
}

function exemplarsBySeries(data: unknown): Record<string, unknown> {
  const list = data as { seriesLabels: Record<string, string>; exemplars: unknown[] }[];
  return Object.fromEntries(list.map(({ seriesLabels, exemplars }) => [labelsText(seriesLabels), exemplars]));
}

function labelsText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',');
}
