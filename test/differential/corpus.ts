import type { SeriesColumns } from '@opendata/promql';
import { labelsKey } from '@opendata/promql';
import type { WriteRequest2Series } from '@opendata/wire';
import { toCustomBuckets } from '../../packages/promql/src/promqltest/custom-buckets.ts';
import { createMemorySource } from '../../packages/promql/src/promqltest/memory-source.ts';
import { parseScript } from '../../packages/promql/src/promqltest/parse-script.ts';
import type { EvalCommand, SeriesDescription } from '../../packages/promql/src/promqltest/script.ts';

type WrittenSample = NonNullable<WriteRequest2Series['samples']>[number];
type WrittenHistogram = NonNullable<WriteRequest2Series['histograms']>[number];

interface WrittenSeries {
  readonly labels: readonly string[];
  readonly floats: Map<number, WrittenSample>;
  readonly histograms: Map<number, WrittenHistogram>;
}

/** What a file in Prometheus' test language has loaded at some point, and the queries that it asks of that. */
export interface CorpusState {
  readonly columns: readonly SeriesColumns[];
  /** Remote write requests, in order of time. */
  readonly requests: readonly (readonly WriteRequest2Series[])[];
  readonly evals: readonly EvalCommand[];
}

/** The states that a file goes through. */
export async function corpusStates(script: string): Promise<CorpusState[]> {
  const states: CorpusState[] = [];
  const source = createMemorySource();
  const written = new Map<string, WrittenSeries>();
  let evals: EvalCommand[] = [];
  const close = async (): Promise<void> => {
    if (evals.length === 0) return;
    const columns = await source.select({ matchers: [], startMs: -Infinity, endMs: Infinity });
    states.push({ columns: [...columns], requests: requestsOf([...written.values()]), evals });
    evals = [];
  };
  for (const command of parseScript(script)) {
    if (command.kind === 'eval') evals.push(command);
    else if (command.kind === 'clear') {
      await close();
      source.clear();
      written.clear();
    } else if (command.kind === 'load') {
      await close();
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

/** Times that a request spans where no series has floats and histograms both. */
const TIMES_OF_REQUEST = 100;

function requestsOf(all: readonly WrittenSeries[]): WriteRequest2Series[][] {
  const times = [...new Set(all.flatMap(({ floats, histograms }) => [...floats.keys(), ...histograms.keys()]))];
  times.sort((a, b) => a - b);
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
