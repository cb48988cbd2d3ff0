import type { CommandOutput } from '@opendata/server/cli';
import { type ApiAnswer, createApi } from './api.ts';
import { sampleText, seriesText, timeText } from './query-text.ts';
import { evaluationTime } from './query-time.ts';

interface QueryContext<F> {
  readonly flags: F & { readonly url: string; readonly json: boolean };
  readonly positionals: readonly string[];
  readonly signal: AbortSignal;
  readonly output: CommandOutput;
}

interface WindowFlags {
  readonly start: string | undefined;
  readonly end: string | undefined;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [seconds: number, value: string];
type HistogramSample = readonly [seconds: number, histogram: { readonly count: string; readonly sum: string }];

interface SeriesResult {
  readonly metric: Labels;
  readonly value?: Sample;
  readonly histogram?: HistogramSample;
  readonly values?: readonly Sample[];
  readonly histograms?: readonly HistogramSample[];
}

type QueryData =
  | { readonly resultType: 'vector'; readonly result: readonly SeriesResult[] }
  | { readonly resultType: 'matrix'; readonly result: readonly SeriesResult[] }
  | { readonly resultType: 'scalar'; readonly result: Sample }
  | { readonly resultType: 'string'; readonly result: Sample };

/** Points of a range without a step. */
const points = 250;

export async function queryInstant(context: QueryContext<{ readonly time: string | undefined }>): Promise<void> {
  const { flags, positionals, signal, output } = context;
  const time = String(evaluationTime(flags.time ?? '0', '--time'));
  const api = createApi(flags.url, signal);
  const answer = await api.post<QueryData>('query', [
    ['query', positionals[0]!],
    ['time', time],
  ]);
  await printResult(answer, flags.json, output);
}

export async function queryRange(
  context: QueryContext<WindowFlags & { readonly start: string; readonly step: number | undefined }>,
): Promise<void> {
  const { flags, positionals, signal, output } = context;
  const start = evaluationTime(flags.start, '--start');
  const end = evaluationTime(flags.end ?? '0', '--end');
  const step = flags.step === undefined ? Math.max(1, Math.ceil((end - start) / points)) : flags.step / 1000;
  const api = createApi(flags.url, signal);
  const answer = await api.post<QueryData>('query_range', [
    ['query', positionals[0]!],
    ['start', String(start)],
    ['end', String(end)],
    ['step', String(step)],
  ]);
  await printResult(answer, flags.json, output);
}

export async function queryLabels(
  context: QueryContext<WindowFlags & { readonly match: readonly string[] }>,
): Promise<void> {
  const { flags, positionals, signal, output } = context;
  const [name] = positionals;
  const api = createApi(flags.url, signal);
  const path = name === undefined ? 'labels' : `label/${encodeURIComponent(name)}/values`;
  const answer = await api.get<string[]>(path, [...windowOf(flags), ...matches(flags.match)]);
  noteAll(answer, output);
  const line = (value: string) =>
    flags.json ? JSON.stringify(name === undefined ? { name: value } : { value }) : value;
  await output.write(answer.data.map((value) => `${line(value)}\n`).join(''));
}

export async function querySeries({ flags, positionals, signal, output }: QueryContext<WindowFlags>): Promise<void> {
  const api = createApi(flags.url, signal);
  const answer = await api.post<Labels[]>('series', [...windowOf(flags), ...matches(positionals)]);
  noteAll(answer, output);
  const line = (labels: Labels) => (flags.json ? JSON.stringify(labels) : seriesText(labels));
  await output.write(answer.data.map((labels) => `${line(labels)}\n`).join(''));
}

function windowOf({ start, end }: WindowFlags): [string, string][] {
  return [
    ...(start === undefined ? [] : [['start', String(evaluationTime(start, '--start'))] as [string, string]]),
    ...(end === undefined ? [] : [['end', String(evaluationTime(end, '--end'))] as [string, string]]),
  ];
}

function matches(selectors: readonly string[]): [string, string][] {
  return selectors.map((selector) => ['match[]', selector]);
}

function noteAll({ warnings, infos }: ApiAnswer<unknown>, output: CommandOutput): void {
  for (const text of warnings) output.note(`warning: ${text}`);
  for (const text of infos) output.note(`info: ${text}`);
}

async function printResult(answer: ApiAnswer<QueryData>, json: boolean, output: CommandOutput): Promise<void> {
  noteAll(answer, output);
  const { data } = answer;
  if (data.resultType === 'scalar' || data.resultType === 'string') {
    return json ? output.json({ [data.resultType]: data.result }) : output.write(`${data.result[1]}\n`);
  }
  if (json) {
    for (const series of data.result) await output.json(series);
    return;
  }
  if (data.resultType === 'vector') {
    const rows = data.result.map((series) => [seriesText(series.metric), sampleText(series.value ?? series.histogram)]);
    return output.table(['series', 'value'], rows);
  }
  const rows = data.result.flatMap(({ metric, values = [], histograms = [] }) => {
    const name = seriesText(metric);
    const samples: (Sample | HistogramSample)[] = [...values, ...histograms];
    return samples.sort((a, b) => a[0] - b[0]).map((sample) => [name, timeText(sample[0]), sampleText(sample)]);
  });
  return output.table(['series', 'time', 'value'], rows);
}
