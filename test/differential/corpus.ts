import type { SeriesColumns } from '@opendata/promql';
import { labelsKey } from '@opendata/promql';
import type { WriteRequest2Series } from '@opendata/wire';
import { toCustomBuckets } from '../../packages/promql/src/promqltest/custom-buckets.ts';
import { createMemorySource } from '../../packages/promql/src/promqltest/memory-source.ts';
import { parseScript } from '../../packages/promql/src/promqltest/parse-script.ts';
import type { Command, EvalCommand, SeriesDescription } from '../../packages/promql/src/promqltest/script.ts';

type WrittenSample = NonNullable<WriteRequest2Series['samples']>[number];
type WrittenHistogram = NonNullable<WriteRequest2Series['histograms']>[number];

interface WrittenSeries {
  readonly labels: readonly string[];
  readonly floats: Map<number, WrittenSample>;
  readonly histograms: Map<number, WrittenHistogram>;
}

/** A series with the start timestamps of its samples, in order of time. */
export interface StartedSeries {
  readonly labels: readonly string[];
  readonly samples: readonly (WrittenSample | WrittenHistogram)[];
}

/** What a file in Prometheus' test language has loaded at some point, and the queries that it asks of that. */
export interface CorpusState {
  /** In the order in which Prometheus gets to know the series. */
  readonly columns: readonly SeriesColumns[];
  /** Remote write requests, in order of time. */
  readonly requests: readonly (readonly WriteRequest2Series[])[];
  /** Series that have start timestamps; these are in no request. */
  readonly started: readonly StartedSeries[];
  /** The times of all samples. */
  readonly times: readonly number[];
  readonly evals: readonly EvalCommand[];
}

/** The states that a file goes through. */
export async function corpusStates(script: string): Promise<CorpusState[]> {
  const states: CorpusState[] = [];
  const source = createMemorySource();
  const written = new Map<string, WrittenSeries>();
  let evals: EvalCommand[] = [];
  const close = async (): Promise<void> => {
    if (written.size === 0) return;
    const columns = await source.select({ matchers: [], startMs: -Infinity, endMs: Infinity });
    const all = [...written.values()];
    const requests = requestsOf(all.filter((series) => !isStarted(series)));
    const started = all.filter(isStarted).map(startedOf);
    const inOrder = [...requests.flat(), ...started].map(({ labels }) => labelsKey(labels ?? []));
    const place = new Map([...new Set(inOrder)].map((key, i) => [key, i]));
    const order = ({ labels }: SeriesColumns) => place.get(labelsKey(labels)) ?? 0;
    states.push({
      columns: [...columns].sort((a, b) => order(a) - order(b)),
      requests,
      started,
      times: timesOf(all),
      evals,
    });
    evals = [];
  };
  for (const command of parseScript(script).map(withObservations)) {
    if (command.kind === 'eval') evals.push(command);
    else if (command.kind === 'clear') {
      await close();
      source.clear();
      written.clear();
    } else if (command.kind === 'load') {
      if (evals.length > 0) await close();
      source.load(command.series, command.stepMs, command.withCustomBuckets);
      for (const description of command.series) add(written, description, command.stepMs);
      if (!command.withCustomBuckets) continue;
      for (const { labels, samples } of toCustomBuckets(command.series, command.stepMs)) {
        const own = seriesOf(written, labels);
        for (const [timestampMs, { histogram }] of samples) {
          if (histogram !== undefined) own.histograms.set(timestampMs, { timestampMs, histogram });
        }
      }
    }
  }
  await close();
  return states;
}

function isStarted({ floats, histograms }: WrittenSeries): boolean {
  return [...floats.values(), ...histograms.values()].some((sample) => sample.startTimestampMs !== undefined);
}

function startedOf({ labels, floats, histograms }: WrittenSeries): StartedSeries {
  const samples = [...floats.values(), ...histograms.values()].sort((a, b) => a.timestampMs - b.timestampMs);
  return { labels, samples };
}

function timesOf(all: readonly WrittenSeries[]): number[] {
  const times = new Set(all.flatMap(({ floats, histograms }) => [...floats.keys(), ...histograms.keys()]));
  return [...times].sort((a, b) => a - b);
}

function seriesOf(written: Map<string, WrittenSeries>, labels: readonly string[]): WrittenSeries {
  const key = labelsKey(labels);
  let series = written.get(key);
  if (series === undefined) written.set(key, (series = { labels, floats: new Map(), histograms: new Map() }));
  return series;
}

function add(written: Map<string, WrittenSeries>, description: SeriesDescription, stepMs: number): void {
  const { floats, histograms } = seriesOf(written, description.labels);
  for (const [i, point] of description.points.entries()) {
    if (point === undefined) continue;
    const timestampMs = i * stepMs;
    const offset = description.startOffsetsMs?.[i];
    const start = offset === undefined ? {} : { startTimestampMs: timestampMs + offset };
    if (point.kind === 'histogram') histograms.set(timestampMs, { timestampMs, histogram: point.histogram, ...start });
    else floats.set(timestampMs, { timestampMs, value: point.stale ? 'stale' : point.value, ...start });
  }
}

/** OTLP wants each observation in a bucket: those of histograms without buckets go to the zero bucket. */
function withObservations(command: Command): Command {
  if (command.kind !== 'load') return command;
  const series = command.series.map((one) => {
    if (one.startOffsetsMs === undefined) return one;
    const points = one.points.map((point) => {
      if (point?.kind !== 'histogram' || point.histogram.positiveBuckets.length > 0) return point;
      const { histogram } = point;
      return { ...point, histogram: { ...histogram, zeroCount: histogram.count, zeroThreshold: 1e-128 } };
    });
    return { ...one, points };
  });
  return { ...command, series };
}

/** Times that a request spans where no series has floats and histograms both. */
const TIMES_OF_REQUEST = 100;

function requestsOf(all: readonly WrittenSeries[]): WriteRequest2Series[][] {
  const times = timesOf(all);
  // A request has the floats of a series before its histograms: what has both goes time by time.
  const isMixed = all.some(({ floats, histograms }) => floats.size > 0 && histograms.size > 0);
  const length = isMixed ? 1 : TIMES_OF_REQUEST;
  const requests: WriteRequest2Series[][] = [];
  for (let i = 0; i < times.length; i += length) {
    const some = times.slice(i, i + length);
    const series = all.map(({ labels, floats, histograms }) => ({
      labels,
      samples: some.flatMap((time) => floats.get(time) ?? []),
      histograms: some.flatMap((time) => histograms.get(time) ?? []),
    }));
    requests.push(series.filter(({ samples, histograms }) => samples.length + histograms.length > 0));
  }
  return requests;
}
