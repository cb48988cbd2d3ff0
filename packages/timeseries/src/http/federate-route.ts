import {
  compareLabels,
  type FloatHistogram,
  formatFloat,
  isStaleMarker,
  type Labels,
  labelsKey,
  METRIC_NAME,
} from '@opendata/promql';
import { requestSignal } from '@opendata/server';
import type { FastifyInstance } from 'fastify';
import { sortedInTurns } from '../block/sorted-in-turns.ts';
import { createYielder } from '../head/yielder.ts';
import type { TimeSeriesReading } from '../read/reading.ts';
import { escapeName, type FederateFormat, federateContentType, federateFormat } from './federate-format.ts';
import { type FederatedSample, federateProtobuf } from './federate-protobuf.ts';
import { JsonBytes } from './json-bytes.ts';
import { PIECE_BYTES, type Pieces, sendPieces } from './json-writer.ts';
import { badData, Parameters } from './parameters.ts';

/** About what a sample of an answer takes in memory. */
const SAMPLE_BYTES = 512;
/** Of histograms with bounds of their own. */
const CUSTOM_BUCKETS_SCHEMA = -53;

export interface FederateRouteOptions {
  readonly database: () => TimeSeriesReading;
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly lookbackMs: number;
  readonly now: () => number;
}

interface Newest {
  readonly labels: Labels;
  /** With the metric's name first. */
  readonly ordered: Labels;
  readonly timestampMs: number;
  readonly value: number;
  readonly histogram: FloatHistogram | undefined;
}

/** `/federate`: the newest sample of each series that matches, for another Prometheus to scrape. */
export function addFederateRoute(app: FastifyInstance, options: FederateRouteOptions): void {
  const { database, lookbackMs, now } = options;
  // Who scrapes this must not take it for the instance of a series that has none.
  const external = new Map(
    Object.entries({ instance: '', ...options.externalLabels }).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  app.get('/federate', async (request, reply) => {
    const sets = new Parameters(request.url, undefined).matcherSets(badData, true);
    const format = federateFormat(request.headers.accept);
    // The text format has no native histograms, and neither format those with bounds of their own.
    const takesHistogram = ({ schema }: FloatHistogram) =>
      format.encoding === 'protobuf' && schema !== CUSTOM_BUCKETS_SCHEMA;
    const endMs = now();
    const newest = new Map<string, Newest>();
    const signal = requestSignal(reply);
    const yielder = createYielder(signal);
    for (const matchers of sets) {
      const startMs = endMs - lookbackMs + 1;
      const found = await database().select({ matchers, startMs, endMs, newestOnly: true, signal });
      for (const { labels, timestamps, values, histograms } of found) {
        const last = timestamps.length - 1;
        const histogram = last < 0 ? undefined : histograms?.[last];
        if (last < 0 || (histogram === undefined ? isStaleMarker(values, last) : !takesHistogram(histogram))) continue;
        newest.set(labelsKey(labels), {
          labels,
          ordered: nameFirst(labels),
          timestampMs: timestamps[last]!,
          value: values[last]!,
          histogram,
        });
        await yielder();
      }
    }
    const samples: FederatedSample[] = [];
    for (const sample of await sortedInTurns([...newest.values()], byName, yielder)) {
      samples.push(federated(sample, external, format.escaping));
      await yielder();
    }
    const contentType = federateContentType(format);
    const pieces = format.encoding === 'protobuf' ? federateProtobuf(samples) : writeExposition(samples);
    return await sendPieces(reply, pieces, samples.length * SAMPLE_BYTES, contentType);
  });
}

function byName(a: Newest, b: Newest): number {
  return compareLabels(a.ordered, b.ordered);
}

function nameFirst(labels: Labels): Labels {
  const at = labels.indexOf(METRIC_NAME);
  if (at <= 0) return labels;
  return [METRIC_NAME, labels[at + 1]!, ...labels.slice(0, at), ...labels.slice(at + 2)];
}

function federated(
  { labels, ...sample }: Newest,
  external: ReadonlyMap<string, string>,
  escaping: FederateFormat['escaping'],
): FederatedSample {
  const own = new Map<string, string>();
  let name = '';
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] === METRIC_NAME) name = escapeName(labels[i + 1]!, escaping);
    else own.set(labels[i]!, labels[i + 1]!);
  }
  for (const [label, text] of external) if (!own.has(label)) own.set(label, text);
  return { ...sample, name, labels: [...own].map(([label, text]) => [escapeName(label, escaping), text] as const) };
}

function* writeExposition(samples: readonly FederatedSample[]): Pieces {
  const out = new JsonBytes();
  let family: string | undefined;
  for (const { name, labels, timestampMs, value } of samples) {
    const pairs = labels.map(([label, text]) => pair(label, text));
    const isPlain = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
    if (name !== family) out.text(`# TYPE ${isPlain ? name : quoted(name)} untyped\n`);
    family = name;
    const series = isPlain ? `${name}{${pairs.join(',')}}` : `{${[quoted(name), ...pairs].join(',')}}`;
    out.text(`${series} ${formatFloat(value)} ${timestampMs}\n`);
    yield out.length >= PIECE_BYTES ? out.take() : undefined;
  }
  return out.finish();
}

function pair(name: string, value: string): string {
  return `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quoted(name)}=${quoted(value)}`;
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`;
}
