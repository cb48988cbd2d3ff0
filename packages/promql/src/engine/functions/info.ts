import type { Call, Expr, Matcher } from '../../ast.ts';
import { type Labels, labelsFromEntries, labelsKey, labelValue, METRIC_NAME } from '../../labels.ts';
import { compileMatcher } from '../../matcher.ts';
import type { QueryContext } from '../context.ts';
import { fail } from '../errors.ts';
import type { Evaluator } from '../evaluate.ts';
import { stepSeriesBytes } from '../memory.ts';
import { select } from '../plan.ts';
import { readTimeOf } from '../read-time.ts';
import { lookbackIndexes } from '../select.ts';
import { formatLabels, mergeSameLabels } from '../series.ts';
import { isStaleMarker } from '../staleness.ts';
import { ABSENT, type Grid, gridTimes, type StepSeries, type VectorValue } from '../value.ts';

/** Labels by which a series and its info series belong together. */
const IDENTIFYING = ['instance', 'job'] as const;

/** An info series over the steps: at each, the time of the sample in force or NaN. */
interface InfoSeries {
  readonly labels: Labels;
  readonly name: string;
  readonly sampleTimesMs: Float64Array;
}

/** What the second argument of `info` asks for. */
interface InfoSelector {
  /** Matchers on the metric name of info series. */
  readonly names: readonly Matcher[];
  /** Matchers on data labels; their names are the labels to add, all of them if there are none. */
  readonly data: readonly Matcher[];
}

/** `info(v, {…})`: adds the data labels of the info series that share `instance` and `job` with a series. */
export async function evaluateInfo(evaluator: Evaluator, node: Call, grid: Grid): Promise<VectorValue> {
  const { ctx } = evaluator;
  const vector = await evaluator.vector(node.args[0]!, grid);
  const selector = readSelector(node.args[1]);
  const isInfo = infoSeriesTest(selector.names);
  const enrichable = vector.series.filter((element) => !isInfo(element.labels));
  const ends = referenceTimes(ctx, node.args[0]!, grid);
  const infoSeries = await fetchInfoSeries(ctx, selector, enrichable, ends);
  const byIdentity = new Map<string, InfoSeries[]>();
  for (const info of infoSeries) {
    const key = identity(info.labels);
    const known = byIdentity.get(key);
    if (known === undefined) byIdentity.set(key, [info]);
    else known.push(info);
  }
  await checkNewest(ctx, vector.series, infoSeries);
  const mayBeMissing = selector.data.every((matcher) => compileMatcher(matcher).matchesEmpty);
  const wanted = new Set(selector.data.map((matcher) => matcher.name));
  const series: StepSeries[] = [];
  for (const element of vector.series) {
    if (isInfo(element.labels)) series.push(element);
    else series.push(...enrich(element, byIdentity.get(identity(element.labels)) ?? [], wanted, mayBeMissing));
    if (ctx.due(grid.count)) await ctx.pause();
  }
  return { kind: 'vector', series: await mergeSameLabels(ctx, series) };
}

function readSelector(argument: Expr | undefined): InfoSelector {
  const matchers = argument?.kind === 'vector-selector' ? argument.matchers : [];
  const names = matchers.filter((matcher) => matcher.name === METRIC_NAME);
  const data = matchers.filter((matcher) => matcher.name !== METRIC_NAME);
  if (names.length === 0) return { names: [{ name: METRIC_NAME, type: '=', value: 'target_info' }], data };
  const positive = names.some(({ type }) => type === '=' || type === '=~');
  return { names: positive ? names : [...names, { name: METRIC_NAME, type: '=~', value: '.+_info' }], data };
}

/** Whether a series is itself one of the info series, which stay as they are. */
function infoSeriesTest(names: readonly Matcher[]): (labels: Labels) => boolean {
  const tests = names.map(compileMatcher);
  return (labels) => {
    const name = labelValue(labels, METRIC_NAME);
    return tests.every((test) => test.matches(name));
  };
}

function identity(labels: Labels): string {
  return labelsKey(IDENTIFYING.map((name) => labelValue(labels, name)));
}

/** By step, the time as of which the argument's samples are read; that of the evaluation where they are read as of several. */
function referenceTimes(ctx: QueryContext, expr: Expr, grid: Grid): Float64Array {
  const times = gridTimes(grid);
  const read = readTimeOf(ctx, expr);
  if (read === undefined) return times;
  return times.map((time) => read.atMs ?? time - read.offsetMs);
}

async function fetchInfoSeries(
  ctx: QueryContext,
  selector: InfoSelector,
  base: readonly StepSeries[],
  ends: Float64Array,
): Promise<InfoSeries[]> {
  const startMs = ends.reduce((a, b) => Math.min(a, b)) - ctx.lookbackMs + 1;
  const endMs = ends.reduce((a, b) => Math.max(a, b));
  const found: InfoSeries[] = [];
  for (const identifying of identifyingMatchers(base)) {
    const matchers = [...identifying, ...selector.data, ...selector.names];
    for (const { labels, timestamps, values, histograms } of await select(ctx, matchers, startMs, endMs)) {
      const sampleTimesMs = new Float64Array(ends.length).fill(Number.NaN);
      for (const [step, index] of lookbackIndexes(timestamps, ends, ctx.lookbackMs).entries()) {
        if (index < 0) continue;
        if (histograms?.[index] !== undefined) {
          fail(`this should be an info metric, with float samples: ${formatLabels(labels)}`);
        }
        if (!isStaleMarker(values, index)) sampleTimesMs[step] = timestamps[index]!;
      }
      ctx.memory.hold(stepSeriesBytes(ends.length));
      found.push({ labels, name: labelValue(labels, METRIC_NAME), sampleTimesMs });
      if (ctx.due(ends.length)) await ctx.pause();
    }
  }
  return found;
}

/** What finds the info series of all series: one set of matchers for those that have the same of the identifying labels. */
function identifyingMatchers(base: readonly StepSeries[]): Matcher[][] {
  const byPresence = new Map<string, Set<string>[]>();
  for (const { labels } of base) {
    const values = IDENTIFYING.map((name) => labelValue(labels, name));
    const presence = values.map((value) => (value === '' ? 0 : 1)).join('');
    let known = byPresence.get(presence);
    if (known === undefined) byPresence.set(presence, (known = IDENTIFYING.map(() => new Set<string>())));
    for (const [i, value] of values.entries()) known[i]!.add(value);
  }
  byPresence.delete('00');
  return [...byPresence.values()].map((sets) =>
    IDENTIFYING.map((name, i) => ({ name, type: '=~', value: [...sets[i]!].map(escapeRegex).join('|') })),
  );
}

function escapeRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/** The series with the labels of the info series in force; one series for each combination of them over time. */
function enrich(
  element: StepSeries,
  infos: readonly InfoSeries[],
  wanted: ReadonlySet<string>,
  mayBeMissing: boolean,
): StepSeries[] {
  const byCombination = new Map<string, { labels: Labels; present: Uint8Array }>();
  const count = element.present.length;
  for (let step = 0; step < count; step++) {
    if (element.present[step] === ABSENT) continue;
    const current = newestByName(infos, step);
    if (current.size === 0 && !mayBeMissing) continue;
    const key = [...current.values()].map((info) => infos.indexOf(info)).join();
    let combination = byCombination.get(key);
    if (combination === undefined) {
      const labels = addLabels(element.labels, current.values(), wanted);
      byCombination.set(key, (combination = { labels, present: new Uint8Array(count) }));
    }
    combination.present[step] = element.present[step]!;
  }
  return [...byCombination.values()].map(({ labels, present }) => ({ ...element, labels, present }));
}

/** Of info series with the same name, the one with the newest sample. */
function newestByName(infos: readonly InfoSeries[], step: number): Map<string, InfoSeries> {
  const newest = new Map<string, InfoSeries>();
  for (const info of infos) {
    if (Number.isNaN(info.sampleTimesMs[step]!)) continue;
    newest.set(info.name, newerOf(newest.get(info.name), info, step));
  }
  return newest;
}

/** @throws QueryError where both are equally new */
function newerOf(known: InfoSeries | undefined, info: InfoSeries, step: number): InfoSeries {
  if (known === undefined) return info;
  const [knownTime, time] = [known.sampleTimesMs[step]!, info.sampleTimesMs[step]!];
  if (knownTime === time) {
    fail(
      `found duplicate series for info metric: existing ${formatLabels(known.labels)} @ ${time}, ` +
        `new ${formatLabels(info.labels)} @ ${time}`,
    );
  }
  return knownTime < time ? info : known;
}

/**
 * @throws QueryError where two info series are equally new at a step that has elements, be it that none of these belongs
 * to them
 */
async function checkNewest(
  ctx: QueryContext,
  base: readonly StepSeries[],
  infos: readonly InfoSeries[],
): Promise<void> {
  const known = new Map<string, number>();
  const groups = infos.map(({ labels, name }) => {
    const key = labelsKey([name, identity(labels)]);
    if (!known.has(key)) known.set(key, known.size);
    return known.get(key)!;
  });
  if (known.size === infos.length) return;
  const steps = infos[0]!.sampleTimesMs.length;
  for (let step = 0; step < steps; step++) {
    if (ctx.due(base.length + infos.length)) await ctx.pause();
    if (base.every(({ present }) => present[step] === ABSENT)) continue;
    const newest: InfoSeries[] = [];
    for (const [i, info] of infos.entries()) {
      const older = newest[groups[i]!];
      if (!Number.isNaN(info.sampleTimesMs[step]!)) newest[groups[i]!] = newerOf(older, info, step);
    }
  }
}

function addLabels(base: Labels, infos: Iterable<InfoSeries>, wanted: ReadonlySet<string>): Labels {
  const added = new Map<string, string>();
  for (const { labels } of infos) {
    for (let i = 0; i < labels.length; i += 2) {
      const name = labels[i]!;
      const value = labels[i + 1]!;
      if (name === METRIC_NAME || (wanted.size > 0 && !wanted.has(name))) continue;
      const known = added.get(name);
      if (known !== undefined && known !== value) fail(`conflicting label: ${name}`);
      if (labelValue(base, name) === '') added.set(name, value);
    }
  }
  const entries: [string, string][] = [...added];
  for (let i = 0; i < base.length; i += 2) entries.push([base[i]!, base[i + 1]!]);
  return labelsFromEntries(entries);
}
