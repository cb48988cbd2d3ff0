import { expect, it } from 'vitest';
import { addProcessMetrics } from './process-metrics.ts';
import { createRegistry } from './registry.ts';

it('exposes what dashboards for a process look for', () => {
  const registry = createRegistry();
  addProcessMetrics(registry, { name: 'opendata-test', version: '1.2.3' });
  const values = new Map(
    registry
      .render()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, number] => [
        line.slice(0, line.lastIndexOf(' ')),
        Number(line.slice(line.lastIndexOf(' ') + 1)),
      ]),
  );
  expect(values.get(`build_info{name="opendata-test",version="1.2.3",node_version="${process.version}"}`)).toBe(1);
  expect(values.get('process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(values.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  expect(Math.abs(values.get('process_start_time_seconds')! - Date.now() / 1000)).toBeLessThan(3600);
  expect(values.get('nodejs_heap_size_used_bytes')).toBeGreaterThan(1_000_000);
  for (const name of ['p50', 'p99', 'max']) {
    expect(values.get(`nodejs_eventloop_lag_${name}_seconds`)).toBeGreaterThanOrEqual(0);
  }
  if (process.platform === 'linux') {
    expect(values.get('process_open_fds')).toBeGreaterThan(2);
    expect(values.get('process_max_fds')).toBeGreaterThan(values.get('process_open_fds')!);
    expect(values.get('process_virtual_memory_bytes')).toBeGreaterThan(10_000_000);
  }
});
