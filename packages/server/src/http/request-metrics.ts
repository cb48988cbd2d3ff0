import { exponentialBuckets } from '../metrics/check.ts';
import type { Counter, Gauge, Histogram } from '../metrics/children.ts';
import type { Registry } from '../metrics/registry.ts';
import type { MetricVector } from '../metrics/vector.ts';

/** The `endpoint` of requests that no route answers. */
const UNMATCHED_ENDPOINT = 'unmatched';

/** 1 ms to about 33 s: from a cached answer to the longest query. */
const DURATION_BUCKETS_SECONDS = [0.0005, ...exponentialBuckets(0.001, 2, 16)];

/** What every request is counted by. */
export interface RequestMetrics {
  readonly inFlight: Gauge;
  readonly openConnections: Gauge;
  readonly malformed: MetricVector<Counter, readonly ['reason']>;
  readonly unmatched: EndpointMetrics;
  /** The metrics of a route pattern; the same for every call with it. */
  endpoint(pattern: string): EndpointMetrics;
}

export function createRequestMetrics(registry: Registry): RequestMetrics {
  const requests = registry.counter({
    name: 'http_requests_total',
    help: 'HTTP requests handled, by method, route pattern and status; 499 when the client left before the answer',
    labelNames: ['method', 'endpoint', 'status'],
  });
  const durations = registry.histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer',
    labelNames: ['method', 'endpoint'],
    buckets: DURATION_BUCKETS_SECONDS,
  });
  const endpoints = new Map<string, EndpointMetrics>();
  function endpoint(pattern: string): EndpointMetrics {
    let metrics = endpoints.get(pattern);
    if (metrics === undefined) endpoints.set(pattern, (metrics = new EndpointMetrics(pattern, requests, durations)));
    return metrics;
  }
  return {
    inFlight: registry.gauge({ name: 'http_requests_in_flight', help: 'HTTP requests being served now' }),
    openConnections: registry.gauge({ name: 'http_open_connections', help: 'TCP connections open now' }),
    malformed: registry.counter({
      name: 'http_malformed_requests_total',
      help: 'Connections whose bytes were not a request that can be read, by reason',
      labelNames: ['reason'],
    }),
    unmatched: endpoint(UNMATCHED_ENDPOINT),
    endpoint,
  };
}

type RequestCounter = MetricVector<Counter, readonly ['method', 'endpoint', 'status']>;
type DurationHistogram = MetricVector<Histogram, readonly ['method', 'endpoint']>;

interface MethodMetrics {
  readonly duration: Histogram;
  readonly byStatus: Map<number, Counter>;
}

/** Finds the children of one endpoint by method and status without making a string. */
export class EndpointMetrics {
  readonly #pattern: string;
  readonly #requests: RequestCounter;
  readonly #durations: DurationHistogram;
  readonly #byMethod = new Map<string, MethodMetrics>();

  constructor(pattern: string, requests: RequestCounter, durations: DurationHistogram) {
    this.#pattern = pattern;
    this.#requests = requests;
    this.#durations = durations;
  }

  record(method: string, status: number, seconds: number): void {
    let metrics = this.#byMethod.get(method);
    if (metrics === undefined) {
      metrics = { duration: this.#durations.labels(method, this.#pattern), byStatus: new Map() };
      this.#byMethod.set(method, metrics);
    }
    metrics.duration.observe(seconds);
    let counter = metrics.byStatus.get(status);
    if (counter === undefined) {
      counter = this.#requests.labels(method, this.#pattern, String(status));
      metrics.byStatus.set(status, counter);
    }
    counter.inc();
  }
}
