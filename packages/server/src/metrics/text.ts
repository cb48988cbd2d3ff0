/** The exposition formats that `/metrics` can answer with. */
export type ExpositionFormat = 'text' | 'openmetrics';

export const EXPOSITION_CONTENT_TYPE: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

const NEEDS_ESCAPE = /[\\\n"]/;

/** Escapes a label value (or, in OpenMetrics, a help text). */
export function escapeQuoted(value: string): string {
  if (!NEEDS_ESCAPE.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

/** Escapes a help text of the Prometheus text format, where quotes stand for themselves. */
export function escapeHelp(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** A sample value as both formats write it. */
export function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

/** A bucket bound as `le` carries it: OpenMetrics wants a float's form (`1.0`), the text format does not mind. */
export function formatBound(bound: number, format: ExpositionFormat): string {
  const text = formatValue(bound);
  return format === 'openmetrics' && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** `name="value",…` without braces, in the order given. */
export function formatLabels(names: readonly string[], values: readonly string[]): string {
  let text = '';
  for (let i = 0; i < names.length; i++) {
    text += `${i === 0 ? '' : ','}${names[i]}="${escapeQuoted(values[i]!)}"`;
  }
  return text;
}
