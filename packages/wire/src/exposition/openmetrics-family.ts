import { malformed, type WireError } from '../errors.ts';
import type { FamilyMetadata, MetricType } from '../remote-write.ts';
import { readLatin1 } from '../utf8.ts';
import { floatResult, parseFloatBytes } from './float.ts';
import { groupKey, labelIndex } from './openmetrics-group.ts';
import {
  checkBucketGroup,
  createHistogramState,
  finishHistogram,
  type HistogramState,
} from './openmetrics-histogram.ts';
import { lineError, readEscaped, type Scan } from './scan.ts';

/** Suffixes of the sample names of a family, by type. Types that are not here have samples of the family's name. */
const SUFFIXES: Readonly<Partial<Record<MetricType, readonly string[]>>> = {
  counter: ['_total', '_created'],
  summary: ['', '_count', '_sum', '_created'],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  gaugehistogram: ['_bucket', '_gcount', '_gsum'],
  info: ['_info'],
};
const NO_SUFFIX = [''] as const;
const INFO_SUFFIXES = ['_info', ''] as const;

export interface OpenMetricsSample {
  value: number;
  /** NaN: none */
  timestampSeconds: number;
  hasExemplar: boolean;
}

interface Family {
  readonly name: string;
  type: MetricType | undefined;
  help: string | undefined;
  unit: string | undefined;
  hasSamples: boolean;
  /** line of the family's last sample or metadata */
  lastLine: number;
}

/** State of the checks that go over more than a line: the current family and its current group. */
export interface FamilyChecks {
  readonly metadata: FamilyMetadata[];
  /** names that families so far have taken, with their suffixes, and the type of the one that took it */
  readonly takenNames: Map<string, MetricType>;
  family: Family | undefined;
  /** latin-1 text of the last sample's name, and the suffix that it has in the current family */
  lastName: string;
  lastSuffix: string;
  group: string | undefined;
  groupSeconds: number;
  readonly seenGroups: Set<string>;
  readonly histogram: HistogramState;
}

export function createFamilyChecks(): FamilyChecks {
  return {
    metadata: [],
    takenNames: new Map(),
    family: undefined,
    lastName: '',
    lastSuffix: '',
    group: undefined,
    groupSeconds: Number.NaN,
    seenGroups: new Set(),
    histogram: createHistogramState(),
  };
}

/**
 * The family that a metadata line is about: the current one before its first sample, or a new one. A gauge may be
 * followed by a counter of its name, whose samples have other names: Go programs expose go_memstats_alloc_bytes so.
 */
export function metadataFamily(checks: FamilyChecks, scan: Scan, name: string): Family {
  const { family } = checks;
  if (family?.name === name) {
    if (!family.hasSamples) {
      family.lastLine = scan.line;
      return family;
    }
    if (family.type !== 'gauge') throw lineError(scan, 'metadata after the samples of its metric family');
  }
  return startFamily(checks, scan, name);
}

export function finishFamilies(checks: FamilyChecks): FamilyMetadata[] {
  finishFamily(checks);
  return checks.metadata;
}

function startFamily(checks: FamilyChecks, scan: Scan, name: string): Family {
  finishFamily(checks);
  const family: Family = {
    name,
    type: undefined,
    help: undefined,
    unit: undefined,
    hasSamples: false,
    lastLine: scan.line,
  };
  checks.family = family;
  checks.lastName = '';
  checks.group = undefined;
  checks.groupSeconds = Number.NaN;
  checks.seenGroups.clear();
  return family;
}

function finishFamily(checks: FamilyChecks): void {
  const { family, takenNames } = checks;
  if (family === undefined) return;
  const type = family.type ?? 'unknown';
  for (const suffix of new Set(['', ...suffixesOf(family.name, type)])) {
    const name = family.name + suffix;
    const takenBy = takenNames.get(name);
    const isCounterOfGauge = suffix === '' && takenBy === 'gauge' && type === 'counter' && family.hasSamples;
    if (takenBy !== undefined && !isCounterOfGauge) {
      throw familyError(family, `metric family ${family.name} clashes with another about ${name}`);
    }
    takenNames.set(name, type);
  }
  if (family.unit) {
    if (!family.name.endsWith(`_${family.unit}`)) {
      throw familyError(family, `unit ${JSON.stringify(family.unit)} is not the suffix of metric ${family.name}`);
    }
    if (type === 'info' || type === 'stateset')
      throw familyError(family, `metric ${family.name} of type ${type} has a unit`);
  }
  if (type === 'histogram' || type === 'gaugehistogram') finishHistogram(checks.histogram);
  if (family.type !== undefined || family.help !== undefined || family.unit !== undefined) {
    checks.metadata.push({ family: family.name, type, help: family.help ?? '', unit: family.unit ?? '' });
  }
}

function familyError(family: Family, reason: string): WireError {
  return malformed(`line ${family.lastLine}: ${reason}`);
}

/** An info may have its suffix in the family's name already: kube-state-metrics has it there. */
function suffixesOf(name: string, type: MetricType): readonly string[] {
  if (type === 'info' && name.endsWith('_info')) return INFO_SUFFIXES;
  return SUFFIXES[type] ?? NO_SUFFIX;
}

/** Checks the sample whose series text was scanned last. @throws WireError malformed */
export function checkSample(checks: FamilyChecks, scan: Scan, sample: OpenMetricsSample): void {
  const suffix = enterSample(checks, scan);
  const family = checks.family!;
  family.lastLine = scan.line;
  const type = family.type ?? 'unknown';
  const special = specialLabel(family, type, suffix, scan);
  checkGroup(checks, scan, sample, type, special);
  checkValue(scan, sample.value, type, suffix);
  if (type === 'histogram' || type === 'gaugehistogram') {
    const le = suffix === '_bucket' ? bucketBound(scan, special) : Number.NaN;
    checkBucketGroup(checks.histogram, scan, checks.group!, sample, suffix, le);
  } else if (type === 'summary' && suffix === '') checkQuantile(scan, special, sample.value);
  if (sample.hasExemplar && !mayHaveExemplar(type, suffix)) {
    throw lineError(scan, 'only counters and buckets of histograms may have exemplars');
  }
}

/** Finds the suffix of the sample's name in the current family; starts a new, unknown family if it has none. */
function enterSample(checks: FamilyChecks, scan: Scan): string {
  const name = readLatin1(scan.body, scan.nameStart, scan.nameEnd);
  const { family } = checks;
  if (family !== undefined && name === checks.lastName) return checks.lastSuffix;
  const text = readEscaped(scan.body, scan.nameStart, scan.nameEnd);
  let suffix: string | undefined;
  if (family !== undefined) {
    suffix = suffixesOf(family.name, family.type ?? 'unknown').find((candidate) => text === family.name + candidate);
  }
  if (suffix === undefined) {
    startFamily(checks, scan, text);
    suffix = '';
  }
  checks.family!.hasSamples = true;
  checks.lastName = name;
  checks.lastSuffix = suffix;
  return suffix;
}

/** Index of the label that tells the samples of a group apart (`le`, `quantile`, a state set's own), or -1. */
function specialLabel(family: Family, type: MetricType, suffix: string, scan: Scan): number {
  let name: string;
  if (type === 'stateset') name = family.name;
  else if (type === 'summary' && suffix === '') name = 'quantile';
  else if ((type === 'histogram' || type === 'gaugehistogram') && suffix === '_bucket') name = 'le';
  else return -1;
  const index = labelIndex(scan, name);
  if (index < 0) throw lineError(scan, `sample of a ${type} without the label ${name}`);
  return index;
}

function checkGroup(
  checks: FamilyChecks,
  scan: Scan,
  sample: OpenMetricsSample,
  type: MetricType,
  special: number,
): void {
  const key = groupKey(scan, special);
  const group = type === 'info' ? '' : key;
  const seconds = sample.timestampSeconds;
  if (group === checks.group) {
    if (Number.isNaN(seconds) !== Number.isNaN(checks.groupSeconds)) {
      throw lineError(scan, 'some samples of a group have timestamps and others have none');
    }
    if (checks.groupSeconds > seconds && type !== 'info') {
      throw lineError(scan, 'timestamps go backwards within a group');
    }
  } else {
    if (checks.seenGroups.has(group)) throw lineError(scan, 'samples of a group are not together');
    checks.seenGroups.add(group);
    checks.group = group;
  }
  checks.groupSeconds = seconds;
}

function checkValue(scan: Scan, value: number, type: MetricType, suffix: string): void {
  if (type === 'stateset' && value !== 0 && value !== 1) throw lineError(scan, 'value of a stateset is not 0 or 1');
  if (type === 'info' && value !== 1) throw lineError(scan, 'value of an info is not 1');
  if (suffix === '' || suffix === '_created' || suffix === '_info') return;
  if (Number.isNaN(value)) throw lineError(scan, `value of ${suffix} is NaN`);
  if (value < 0 && suffix !== '_gsum' && !(suffix === '_sum' && type === 'gaugehistogram')) {
    throw lineError(scan, `value of ${suffix} is negative`);
  }
  const isCount = suffix === '_bucket' || suffix === '_count' || suffix === '_gcount';
  if (isCount && !Number.isInteger(value)) throw lineError(scan, `value of ${suffix} is not an integer`);
}

function bucketBound(scan: Scan, special: number): number {
  const start = scan.labelValueStart[special]!;
  const end = scan.labelValueEnd[special]!;
  const bound = parseFloatBytes(scan.body, start, end);
  const isInfinity = bound === Infinity;
  if (!floatResult.isValid || Number.isNaN(bound) || (isInfinity && readLatin1(scan.body, start, end) !== '+Inf')) {
    throw lineError(scan, `invalid le ${JSON.stringify(readEscaped(scan.body, start, end))}`);
  }
  return bound;
}

function checkQuantile(scan: Scan, special: number, value: number): void {
  const start = scan.labelValueStart[special]!;
  const end = scan.labelValueEnd[special]!;
  const quantile = parseFloatBytes(scan.body, start, end);
  if (!floatResult.isValid || !(quantile >= 0 && quantile <= 1)) {
    throw lineError(scan, `invalid quantile ${JSON.stringify(readEscaped(scan.body, start, end))}`);
  }
  if (value < 0) throw lineError(scan, 'value of a quantile is negative');
}

function mayHaveExemplar(type: MetricType, suffix: string): boolean {
  if (suffix === '_total') return type === 'counter';
  return suffix === '_bucket';
}
