import type { OtlpMetric } from '@opendata/wire';
import type { OtlpSettings } from './settings.ts';
import { unitSuffixes } from './units.ts';

/** A name that no series can have; the message says which. */
export class OtlpNameError extends Error {
  override readonly name = 'OtlpNameError';
}

type NamedMetric = Pick<OtlpMetric, 'name' | 'unit' | 'kind' | 'temporality' | 'isMonotonic'>;
type NameSettings = Pick<OtlpSettings, 'addsSuffixes' | 'allowsUtf8'>;
type LabelSettings = Pick<OtlpSettings, 'allowsUtf8' | 'sanitizesLeadingUnderscore' | 'preservesUnderscores'>;

/** The metric's name in Prometheus' conventions. @throws OtlpNameError */
export function metricName(metric: NamedMetric, { addsSuffixes, allowsUtf8 }: NameSettings): string {
  const { name, unit } = metric;
  const isCounter = metric.kind === 'sum' && metric.isMonotonic;
  const isRatio = unit === '1' && metric.kind === 'gauge';
  if (allowsUtf8) {
    const full = addsSuffixes ? withSuffixes(name, unit, isCounter, isRatio) : name;
    if (full === '') throw new OtlpNameError('a metric has no name');
    return full;
  }
  const full = addsSuffixes
    ? prefixDigit(withSuffixTokens(tokens(name, /[^a-zA-Z0-9:]+/), unit, isCounter, isRatio).join('_'))
    : prefixDigit(tokens(name, /[^a-zA-Z0-9:_]+/).join('_'));
  if (full === '') throw new OtlpNameError(`normalization for metric ${JSON.stringify(name)} resulted in empty name`);
  if (full !== name && /^_+$/.test(full)) {
    throw new OtlpNameError(`normalization for metric ${JSON.stringify(name)} resulted in invalid name "${full}"`);
  }
  return full;
}

function tokens(name: string, separators: RegExp): string[] {
  return name.split(separators).filter((token) => token !== '');
}

function prefixDigit(name: string): string {
  return /^[0-9]/.test(name) ? `_${name}` : name;
}

function withSuffixTokens(name: readonly string[], unit: string, isCounter: boolean, isRatio: boolean): string[] {
  const suffixes = unitSuffixes(unit);
  let main = cleanUnit(suffixes.main);
  let per = cleanUnit(suffixes.per);
  if (name.includes(main)) main = '';
  per = per === 'per_' ? '' : per.replace(/_$/, '');
  if (name.includes(per)) per = '';
  if (per !== '') main = main.replace(/_$/, '');
  const all = [...name, main, per].filter((token) => token !== '');
  if (isCounter) return [...all.filter((token) => token !== 'total'), 'total'];
  if (isRatio) return [...all.filter((token) => token !== 'ratio'), 'ratio'];
  return all;
}

function cleanUnit(unit: string): string {
  return unit
    .replace(/[^a-zA-Z0-9:]/gu, '_')
    .replace(/__+/g, '_')
    .replace(/^_/, '');
}

/** The name as it is, with the suffixes at its end. */
function withSuffixes(name: string, unit: string, isCounter: boolean, isRatio: boolean): string {
  const { main, per } = unitSuffixes(unit);
  let full = name;
  if (isCounter) full = withoutSuffix(full, 'total');
  if (isRatio) full = withoutSuffix(full, 'ratio');
  if (per !== '') full = withoutSuffix(full, per);
  if (main !== '' && !full.endsWith(main)) full = `${full}_${main}`;
  if (per !== '') full = `${full}_${per}`;
  if (isCounter) full += '_total';
  if (isRatio) full += '_ratio';
  return full;
}

/** The name without the suffix and the character before it; a name that would be empty stays. */
function withoutSuffix(name: string, suffix: string): string {
  return name.endsWith(suffix) && name.length > suffix.length + 1 ? name.slice(0, -suffix.length - 1) : name;
}

/** The label's name. @throws OtlpNameError */
export function labelName(name: string, settings: LabelSettings): string {
  if (name === '') throw new OtlpNameError('label name is empty');
  let label = name;
  if (!settings.allowsUtf8) {
    label = name.replace(/[^a-zA-Z0-9_]/gu, '_');
    if (!settings.preservesUnderscores) {
      // Names of the form __x__ are reserved and keep it.
      const isReserved = /^__.+__$/.test(label);
      label = isReserved ? `__${label.slice(2, -2).replace(/__+/g, '_')}__` : label.replace(/__+/g, '_');
    }
    if (/^[0-9]/.test(label)) label = `key_${label}`;
    else if (settings.sanitizesLeadingUnderscore && /^_(?!_)/.test(label)) label = `key${label}`;
  }
  if (/^_+$/.test(label)) {
    throw new OtlpNameError(`normalization for label name ${JSON.stringify(name)} resulted in invalid name "${label}"`);
  }
  return label;
}
