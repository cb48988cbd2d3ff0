import { Buffer } from 'node:buffer';
/** A value of an attribute: what AnyValue holds, with integers that no number can hold exactly as BigInt. */
export type OtlpValue =
  | string
  | boolean
  | number
  | bigint
  | null
  | Uint8Array
  | readonly OtlpValue[]
  | OtlpValueMap
  | OtlpDouble;

export interface OtlpValueMap {
  readonly entries: readonly (readonly [string, OtlpValue])[];
}

/** Tells a floating point number from an integer. */
export interface OtlpDouble {
  readonly double: number;
}

/** The text that stands for a value as a label: as OpenTelemetry's collector prints it. */
export function valueText(value: OtlpValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  if (value instanceof Uint8Array) return base64(value);
  if ('double' in value) return doubleText(value.double);
  return jsonOf(value);
}

function doubleText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  const text = Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  return `json: unsupported value: ${text}`;
}

function jsonOf(value: OtlpValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof Uint8Array) return JSON.stringify(base64(value));
  if ('double' in value) return Number.isFinite(value.double) ? doubleText(value.double) : 'null';
  if (!('entries' in value) || Array.isArray(value)) {
    return `[${(value as readonly OtlpValue[]).map(jsonOf).join(',')}]`;
  }
  const entries = new Map((value as OtlpValueMap).entries);
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${sorted.map(([key, one]) => `${JSON.stringify(key)}:${jsonOf(one)}`).join(',')}}`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
