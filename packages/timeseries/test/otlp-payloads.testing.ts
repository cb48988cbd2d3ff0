/** Requests of OTLP's metrics in its JSON encoding. */

export type Attributes = Readonly<Record<string, unknown>>;

type Point = Readonly<Record<string, unknown>>;

export interface MetricOptions {
  readonly unit?: string;
  readonly description?: string;
}

const CUMULATIVE = 2;
export const DELTA = 1;

export function attributes(values: Attributes): object[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: String(value) };
  if (typeof value === 'number') return { doubleValue: value };
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  if (value === null) return {};
  return { kvlistValue: { values: attributes(value as Attributes) } };
}

export function gauge(name: string, dataPoints: Point[], options: MetricOptions = {}): object {
  return { name, ...options, gauge: { dataPoints } };
}

export function sum(name: string, isMonotonic: boolean, dataPoints: Point[], more: MetricOptions = {}): object {
  return { name, ...more, sum: { dataPoints, isMonotonic, aggregationTemporality: CUMULATIVE } };
}

export function histogram(name: string, dataPoints: Point[], more: MetricOptions = {}): object {
  return { name, ...more, histogram: { dataPoints, aggregationTemporality: CUMULATIVE } };
}

export function exponential(name: string, dataPoints: Point[], more: MetricOptions = {}): object {
  return { name, ...more, exponentialHistogram: { dataPoints, aggregationTemporality: CUMULATIVE } };
}

export function summary(name: string, dataPoints: Point[], more: MetricOptions = {}): object {
  return { name, ...more, summary: { dataPoints } };
}

/** The same metric with delta temporality. */
export function asDelta(metric: object): object {
  const entries = Object.entries(metric).map(([key, value]) => [
    key,
    typeof value === 'object' && value !== null && 'aggregationTemporality' in value
      ? { ...value, aggregationTemporality: DELTA }
      : value,
  ]);
  return Object.fromEntries(entries) as object;
}

export interface ResourceOptions {
  readonly resource?: Attributes;
  readonly scope?: Readonly<Record<string, unknown>>;
  readonly schemaUrl?: string;
}

export function request(metrics: object[], { resource = {}, scope, schemaUrl }: ResourceOptions = {}): object {
  const scopeMetrics = [{ ...(scope && { scope }), ...(schemaUrl && { schemaUrl }), metrics }];
  return { resourceMetrics: [{ resource: { attributes: attributes(resource) }, scopeMetrics }] };
}

/** Nanoseconds as OTLP's JSON has them. */
export function nanos(timeMs: number): string {
  return `${timeMs}000000`;
}

export async function post(url: string, body: object, path = '/api/v1/otlp/v1/metrics'): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
