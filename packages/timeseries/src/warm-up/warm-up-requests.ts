import { WarmUpData } from './warm-up-data.ts';

/** Expressions of the kinds that dashboards and alerts are made of. */
const EXPRESSIONS = [
  'up',
  'up == 1',
  'up == 0',
  'warmup_start_Seconds{job="node"}',
  'warmup_start_Seconds{job!=""} * 8 > bool 1e3',
  '{__name__=~".+"}',
  'warmup_free_bytes{device!="lo"}',
  '{__name__=~"warmup_.+_bytes"}',
  'warmup_requests_total{code=~"4..|5..", zone!~"zone-1"}',
  'absent(up{job="none"})',
  '(warmup_free_bytes / warmup_size_bytes) * 100 > 10 and warmup_size_bytes > 0',
  '100 - avg by (instance) (rate(warmup_requests_total{code="200"}[5m])) * 2',
  '1 - warmup_free_bytes / warmup_size_bytes',
  'predict_linear(warmup_free_bytes{device="eth0"}[30m], 3600) < 100',
  'predict_linear(warmup_size_bytes[30m], 4 * 3600) < 100',
  'topk(10, sum by (instance, device) (warmup_free_bytes))',
  'sum by (zone) (rate(warmup_free_bytes[5m]))',
  'warmup_free_bytes > 8',
  'warmup_free_bytes * on (instance) group_left (zone, version) up',
  'histogram_quantile(0.5, warmup_seconds_bucket{zone!="none"})',
  'topk(3, sum by (job, zone) (rate(warmup_requests_total[5m])))',
  'sum by (job) (rate(warmup_bytes_total[5m]) * on (instance) group_left (version) warmup_info)',
  'histogram_quantile(0.9, sum by (le, handler) (rate(warmup_seconds_bucket[5m])))',
  'sum(rate(warmup_requests_total{code=~"5.."}[5m])) / sum(rate(warmup_requests_total[5m]))',
  'increase(warmup_requests_total[1h]) > 0',
  'count by (__name__, job) ({__name__=~".+"})',
  'max_over_time(sum(rate(warmup_requests_total[5m]))[30m:1m])',
  'count(warmup_info unless on (instance) (warmup_free_bytes > 10))',
  'sum(irate(warmup_bytes_total[2m])) - sum(irate(warmup_bytes_total[2m] offset 10m))',
  'max by (zone) (avg_over_time(warmup_free_bytes[10m]))',
  'quantile by (job) (0.9, warmup_free_bytes) or vector(0)',
  'sort_desc(label_replace(changes(up[10m]), "host", "$1", "instance", "(.+):.*"))',
];

/** Paths of requests that read the made-up series, in a block and in memory by turns. */
export function warmUpRequests(round: number): string[] {
  const seconds = (ms: number): number => ms / 1000;
  const time = (round % 2 === 0 ? WarmUpData.middleMs : WarmUpData.endMs) - 60_000;
  const halfHourAgo = time - 1_800_000;
  const paths: string[] = [];
  for (const expression of EXPRESSIONS) {
    const query = `query=${encodeURIComponent(expression)}`;
    paths.push(`/api/v1/query?${query}&time=${seconds(time)}`);
    paths.push(`/api/v1/query_range?${query}&start=${seconds(halfHourAgo)}&end=${seconds(time)}&step=60`);
  }
  // Of some of the block, and of all of it; with brackets as they are, and escaped.
  for (const start of [halfHourAgo, WarmUpData.startMs]) {
    const range = `start=${seconds(start)}&end=${seconds(time + 60_000)}`;
    paths.push(`/api/v1/labels?${range}`);
    paths.push(`/api/v1/label/__name__/values?${range}`);
    paths.push(`/api/v1/label/device/values?match[]=warmup_free_bytes%7Bjob%3D%22node%22%7D&${range}`);
    paths.push(`/api/v1/series?match%5B%5D=up&${range}`);
  }
  // In several pieces.
  const many = encodeURIComponent('warmup_seconds_bucket{handler="/api/200"}');
  paths.push(`/api/v1/query_range?query=${many}&start=${seconds(halfHourAgo)}&end=${seconds(time)}&step=5`);
  return paths;
}

/** Expressions of the cheapest queries, of which a dashboard has many. */
const SMALL_EXPRESSIONS = [
  'absent(up{job="none"})',
  'warmup_start_Seconds{job="node"}',
  'up',
  'up == 0',
  'max by (job) (warmup_start_Seconds)',
];

/** Paths of requests that cost little but what every request costs, in a block and in memory by turns. */
export function smallRequests(round: number): string[] {
  const seconds = (ms: number): number => ms / 1000;
  const time = (round % 2 === 0 ? WarmUpData.middleMs : WarmUpData.endMs) - 60_000;
  const range = `start=${seconds(time - 1_800_000)}&end=${seconds(time)}`;
  const paths: string[] = [];
  for (const expression of SMALL_EXPRESSIONS) {
    const query = `query=${encodeURIComponent(expression)}`;
    paths.push(`/api/v1/query?${query}&time=${seconds(time)}`, `/api/v1/query_range?${query}&${range}&step=60`);
  }
  const whole = `start=${seconds(WarmUpData.startMs)}&end=${seconds(time + 60_000)}`;
  const selector = 'match%5B%5D=warmup_start_Seconds%7Bjob%3D%22node%22%7D';
  paths.push(`/api/v1/labels?${whole}`, `/api/v1/label/__name__/values?${whole}`);
  paths.push(`/api/v1/label/instance/values?${selector}&${whole}`, `/api/v1/series?${selector}&${whole}`);
  return paths;
}
