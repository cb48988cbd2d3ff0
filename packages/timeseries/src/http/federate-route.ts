import { compareLabels, formatFloat, isStaleMarker, type Labels, labelsKey, METRIC_NAME } from '@opendata/promql';
import type { FastifyInstance } from 'fastify';
import type { TimeSeriesDb } from '../db.ts';
import { createYielder } from '../head/yielder.ts';
import { badData, Parameters } from './parameters.ts';

export interface FederateRouteOptions {
  readonly database: () => TimeSeriesDb;
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly lookbackMs: number;
  readonly now: () => number;
}

interface Newest {
  readonly labels: Labels;
  readonly timestampMs: number;
  readonly value: number;
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
    const endMs = now();
    const newest = new Map<string, Newest>();
    const yielder = createYielder();
    for (const matchers of sets) {
      const found = await database().select({ matchers, startMs: endMs - lookbackMs + 1, endMs, newestOnly: true });
      for (const { labels, timestamps, values, histograms } of found) {
        const last = timestamps.length - 1;
        // The text formats have no native histograms.
        if (last < 0 || histograms?.[last] !== undefined || isStaleMarker(values, last)) continue;
        newest.set(labelsKey(labels), { labels, timestampMs: timestamps[last]!, value: values[last]! });
        await yielder();
      }
    }
    const sorted = [...newest.values()].sort((a, b) => compareLabels(nameFirst(a.labels), nameFirst(b.labels)));
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(exposition(sorted, external));
  });
}

function nameFirst(labels: Labels): Labels {
  const at = labels.indexOf(METRIC_NAME);
  if (at <= 0) return labels;
  return [METRIC_NAME, labels[at + 1]!, ...labels.slice(0, at), ...labels.slice(at + 2)];
}

function exposition(samples: readonly Newest[], external: ReadonlyMap<string, string>): string {
  const lines: string[] = [];
  let family: string | undefined;
  for (const { labels, timestampMs, value } of samples) {
    let name = '';
    const pairs: string[] = [];
    const own = new Set<string>();
    for (let i = 0; i < labels.length; i += 2) {
      const label = labels[i]!;
      if (label === METRIC_NAME) name = labels[i + 1]!;
      else {
        own.add(label);
        pairs.push(pair(label, labels[i + 1]!));
      }
    }
    for (const [label, text] of external) if (!own.has(label)) pairs.push(pair(label, text));
    const isPlain = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
    if (name !== family) lines.push(`# TYPE ${isPlain ? name : quoted(name)} untyped`);
    family = name;
    const series = isPlain ? `${name}{${pairs.join(',')}}` : `{${[quoted(name), ...pairs].join(',')}}`;
    lines.push(`${series} ${formatFloat(value)} ${timestampMs}`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function pair(name: string, value: string): string {
  return `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quoted(name)}=${quoted(value)}`;
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`;
}
