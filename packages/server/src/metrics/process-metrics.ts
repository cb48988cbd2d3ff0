import { readdirSync, readFileSync, statSync } from 'node:fs';
import { constants, monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import type { MetricFamily, MetricType } from './family.ts';
import type { Registry } from './registry.ts';

/** Resolution of the event-loop delay histogram. */
const LOOP_DELAY_RESOLUTION_MS = 10;
const GC_BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1];

const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

export interface BuildInfo {
  readonly name: string;
  readonly version: string;
}

/** Adds `build_info`, `process_*` and `nodejs_*`: what any Prometheus dashboard for a process looks for. */
export function addProcessMetrics(registry: Registry, { name, version }: BuildInfo): void {
  registry
    .gauge({ name: 'build_info', help: 'What is running; always 1', labelNames: ['name', 'version', 'node_version'] })
    .labels(name, version, process.version)
    .set(1);
  const loopDelay = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION_MS });
  loopDelay.enable();
  observeGarbageCollection(registry);
  registry.addCollector(() => [...processFamilies(), ...nodeFamilies(), ...delayFamilies(loopDelay)]);
}

function observeGarbageCollection(registry: Registry): void {
  const durations = registry.histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Garbage collection pauses by kind',
    labelNames: ['kind'],
    buckets: GC_BUCKETS_SECONDS,
  });
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as unknown as { detail: { kind: number } }).detail;
      durations.labels(GC_KINDS.get(kind) ?? 'other').observe(entry.duration / 1000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
}

function processFamilies(): MetricFamily[] {
  const { user, system } = process.cpuUsage();
  const families = [
    single('process_cpu_seconds_total', 'counter', 'CPU time used by the process', (user + system) / 1e6),
    single('process_cpu_user_seconds_total', 'counter', 'CPU time used in user mode', user / 1e6),
    single('process_cpu_system_seconds_total', 'counter', 'CPU time used in kernel mode', system / 1e6),
    single('process_start_time_seconds', 'gauge', 'Start of the process, Unix time', performance.timeOrigin / 1000),
    single('process_resident_memory_bytes', 'gauge', 'Resident memory', process.memoryUsage.rss()),
  ];
  const openFds = countOpenFiles();
  if (openFds !== undefined) families.push(single('process_open_fds', 'gauge', 'Open file descriptors', openFds));
  const { virtualBytes, maxFds } = readProc();
  if (virtualBytes !== undefined) {
    families.push(single('process_virtual_memory_bytes', 'gauge', 'Virtual memory', virtualBytes));
  }
  if (maxFds !== undefined) families.push(single('process_max_fds', 'gauge', 'Limit of open file descriptors', maxFds));
  return families;
}

function nodeFamilies(): MetricFamily[] {
  const { heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const { active, idle } = performance.eventLoopUtilization();
  return [
    single('nodejs_heap_size_total_bytes', 'gauge', 'JavaScript heap, reserved', heapTotal),
    single('nodejs_heap_size_used_bytes', 'gauge', 'JavaScript heap, in use', heapUsed),
    single('nodejs_external_memory_bytes', 'gauge', 'Memory of objects outside the heap', external),
    single('nodejs_array_buffer_bytes', 'gauge', 'Memory of buffers', arrayBuffers),
    single('nodejs_eventloop_active_seconds_total', 'counter', 'Time that the event loop was busy', active / 1000),
    single('nodejs_eventloop_idle_seconds_total', 'counter', 'Time that the event loop waited', idle / 1000),
  ];
}

/** The delay since the last scrape, then starts anew. */
function delayFamilies(delay: ReturnType<typeof monitorEventLoopDelay>): MetricFamily[] {
  const seconds = (nanoseconds: number) =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - LOOP_DELAY_RESOLUTION_MS / 1000) : 0;
  const families = [
    single(
      'nodejs_eventloop_lag_p50_seconds',
      'gauge',
      'Event-loop delay since the last scrape, median',
      seconds(delay.percentile(50)),
    ),
    single(
      'nodejs_eventloop_lag_p99_seconds',
      'gauge',
      'Event-loop delay since the last scrape, 99th percentile',
      seconds(delay.percentile(99)),
    ),
    single(
      'nodejs_eventloop_lag_max_seconds',
      'gauge',
      'Event-loop delay since the last scrape, longest',
      seconds(delay.max),
    ),
  ];
  delay.reset();
  return families;
}

function single(name: string, type: MetricType, help: string, value: number): MetricFamily {
  return { name, type, help, samples: [{ labels: {}, value }] };
}

/** Linux gives the count as the size of the folder from 6.2 on; before that the entries are counted. */
function countOpenFiles(): number | undefined {
  try {
    return statSync('/proc/self/fd').size || readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

const PAGE_BYTES = 4096;

function readProc(): { virtualBytes?: number; maxFds?: number } {
  try {
    const pages = Number(readFileSync('/proc/self/statm', 'latin1').split(' ', 1)[0]);
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return { virtualBytes: pages * PAGE_BYTES, ...(limit !== null && { maxFds: Number(limit[1]) }) };
  } catch {
    return {};
  }
}
