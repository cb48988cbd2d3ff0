import type { Labels } from '../labels.ts';

/** A float in full, never with an exponent. */
export function showFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const negative = mantissa.startsWith('-');
  const digits = mantissa.replace(/[-.]/g, '');
  const point = 1 + Number(exponent);
  let text: string;
  if (point <= 0) text = `0.${'0'.repeat(-point)}${digits}`;
  else if (point >= digits.length) text = digits.padEnd(point, '0');
  else text = `${digits.slice(0, point)}.${digits.slice(point)}`;
  return negative ? `-${text}` : text;
}

/** A float with an exponent where that is below -4 or above 5. */
export function showShort(value: number): string {
  if (!Number.isFinite(value) || value === 0) return showFloat(value);
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent <= 5) return showFloat(value);
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** A float with six digits after the point. */
export function showFixed(value: number): string {
  if (!Number.isFinite(value) || Object.is(value, -0)) return Number.isFinite(value) ? '-0.000000' : showFloat(value);
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}

/** A label set in braces, the metric name among the labels. */
export function showLabels(labels: Labels): string {
  const pairs: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    const isPlain = /^[a-zA-Z_]\w*$/.test(name);
    pairs.push(`${isPlain ? name : JSON.stringify(name)}=${JSON.stringify(labels[i + 1])}`);
  }
  return `{${pairs.join(', ')}}`;
}
