/**
 * Writes the Grafana dashboards of the charts, charts/<name>/files/dashboard.json: rows of panels below, each with a
 * title, a unit and its expressions. `$selector` stands for the instances chosen in Grafana.
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana puts the chosen data source in
const datasource = { type: 'prometheus', uid: '${datasource}' };
const selector = 'job=~"$job", instance=~"$instance"';
const rate = (metric, more = '') => `rate(${metric}{${selector}${more}}[$__rate_interval])`;
const gauge = (metric) => `${metric}{${selector}}`;
const quantile = (q, metric, by = 'le') => `histogram_quantile(${q}, sum by (${by}) (${rate(`${metric}_bucket`)}))`;

const http = [
  'Requests',
  [
    panel('Requests', 'reqps', [
      `sum by (endpoint, status) (${rate('http_requests_total')})`,
      '{{endpoint}} {{status}}',
    ]),
    panel('Errors', 'percentunit', [
      `sum(${rate('http_requests_total', ', status=~"5.."')}) / sum(${rate('http_requests_total')})`,
      '5xx',
    ]),
    panel(
      'Duration',
      's',
      [quantile(0.5, 'http_request_duration_seconds', 'le, endpoint'), 'p50 {{endpoint}}'],
      [quantile(0.99, 'http_request_duration_seconds', 'le, endpoint'), 'p99 {{endpoint}}'],
    ),
    panel(
      'In flight',
      'short',
      [gauge('http_requests_in_flight'), 'requests'],
      [gauge('http_open_connections'), 'connections'],
    ),
  ],
];

const storage = [
  'Storage',
  [
    panel('Store answers', 'short', [gauge('storage_up'), '{{instance}}']),
    panel(
      'Commit duration',
      's',
      [quantile(0.5, 'storage_commit_duration_seconds'), 'p50'],
      [quantile(0.99, 'storage_commit_duration_seconds'), 'p99'],
    ),
    panel('Committed', 'Bps', [rate('storage_commit_bytes_total'), '{{instance}}']),
    panel('Oldest write that is not durable', 's', [
      gauge('storage_oldest_pending_commit_age_seconds'),
      '{{instance}}',
    ]),
    panel(
      'Not durable yet',
      'bytes',
      [gauge('storage_journal_pending_bytes'), 'pending'],
      [gauge('storage_journal_budget_bytes'), 'budget'],
    ),
    panel('Blocks', 'bytes', [gauge('storage_block_bytes'), 'stored']),
    panel('Requests to the object store', 'reqps', [
      `sum by (api) (${rate('slatedb_object_store_request_count_total')})`,
      '{{api}}',
    ]),
    panel('Duration of requests to the object store', 's', [
      quantile(0.99, 'slatedb_object_store_request_duration_seconds', 'le, op'),
      'p99 {{op}}',
    ]),
    panel('Files that wait for compaction', 'short', [gauge('slatedb_db_l0_sst_count'), '{{instance}}']),
    panel('Page cache', 'percentunit', [
      `${rate('storage_page_cache_hits_total')} / (${rate('storage_page_cache_hits_total')} + ${rate('storage_page_cache_misses_total')})`,
      'hits',
    ]),
  ],
];

const processRow = [
  'Process',
  [
    panel('Main thread', 'percentunit', [rate('nodejs_eventloop_active_seconds_total'), 'busy {{instance}}']),
    panel('CPU', 'short', [rate('process_cpu_seconds_total'), 'cores {{instance}}']),
    panel(
      'Delay of the event loop',
      's',
      [gauge('nodejs_eventloop_lag_p99_seconds'), 'p99 {{instance}}'],
      [gauge('nodejs_eventloop_lag_max_seconds'), 'max {{instance}}'],
    ),
    panel(
      'Memory',
      'bytes',
      [gauge('process_resident_memory_bytes'), 'resident'],
      [gauge('nodejs_heap_size_used_bytes'), 'heap'],
      [gauge('nodejs_array_buffer_bytes'), 'buffers'],
    ),
    panel('Garbage collection', 'percentunit', [
      `sum by (kind) (${rate('nodejs_gc_duration_seconds_sum')})`,
      '{{kind}}',
    ]),
    panel('File descriptors', 'short', [gauge('process_open_fds'), 'open'], [gauge('process_max_fds'), 'limit']),
  ],
];

export const dashboards = {
  'opendata-timeseries': dashboard('opendata-timeseries', [
    [
      'Samples',
      [
        panel('Ingested', 'short', [rate('tsdb_samples_ingested_total'), 'samples/s {{instance}}']),
        panel(
          'By remote write',
          'short',
          [rate('remote_write_samples_ingested_total'), 'ingested'],
          [rate('remote_write_samples_failed_total'), 'failed'],
        ),
        panel('Scraped', 'short', [
          `sum by (exported_job) (${rate('scrape_samples_scraped', ', exported_job!=""')})`,
          '{{exported_job}}',
        ]),
        panel('Scraped samples refused', 'short', [`sum(${rate('scrape_samples_failed')})`, 'failed']),
        panel('Active series', 'short', [gauge('tsdb_head_series'), '{{instance}}']),
        panel(
          'Memory of the head',
          'bytes',
          [gauge('tsdb_head_memory_bytes'), 'used'],
          [gauge('tsdb_head_memory_budget_bytes'), 'budget'],
        ),
        panel('Time of writes by stage', 's', [
          `sum by (stage) (${rate('tsdb_ingest_duration_seconds_total')}) / ignoring (stage) group_left sum(${rate('tsdb_ingest_requests_total')})`,
          '{{stage}}',
        ]),
        panel(
          'What a series and a sample take',
          'bytes',
          [gauge('tsdb_head_bytes_per_series'), 'series in memory'],
          [gauge('tsdb_head_bytes_per_sample'), 'sample in memory'],
          [gauge('tsdb_block_bytes_per_sample'), 'sample in blocks'],
        ),
      ],
    ],
    http,
    storage,
    processRow,
  ]),
  'opendata-log': dashboard('opendata-log', [
    [
      'Records',
      [
        panel('Appended', 'short', [rate('log_append_records_total'), 'records/s {{instance}}']),
        panel('Appended bytes', 'Bps', [rate('log_append_bytes_total'), '{{instance}}']),
        panel('Read', 'short', [rate('log_records_scanned_total'), 'records/s {{instance}}']),
        panel('Read bytes', 'Bps', [rate('log_bytes_scanned_total'), '{{instance}}']),
        panel('Records not durable yet', 'short', [gauge('log_durable_lag_records'), '{{instance}}']),
        panel('Followers', 'short', [gauge('log_followers'), '{{instance}}']),
        panel('Segments', 'short', [gauge('log_segments'), 'stored'], [gauge('log_segments_waiting'), 'waiting']),
        panel('Stored', 'bytes', [gauge('log_segment_bytes'), 'segments'], [gauge('log_head_bytes'), 'head']),
        panel('Age of the first record', 's', [gauge('log_oldest_record_age_seconds'), '{{instance}}']),
        panel('Keys of the active segment', 'short', [gauge('log_active_keys'), '{{instance}}']),
      ],
    ],
    http,
    storage,
    processRow,
  ]),
};

/** A machine as node_exporter sees it, for the quickstart. */
export const nodeDashboard = dashboard(
  'node',
  [
    [
      'Machine',
      [
        panel('CPU', 'percentunit', [
          `1 - avg by (instance) (${rate('node_cpu_seconds_total', ', mode="idle"')})`,
          'busy {{instance}}',
        ]),
        panel('Load', 'short', [gauge('node_load1'), '1 minute'], [gauge('node_load15'), '15 minutes']),
        panel(
          'Memory',
          'bytes',
          [`${gauge('node_memory_MemTotal_bytes')} - ${gauge('node_memory_MemAvailable_bytes')}`, 'used'],
          [gauge('node_memory_MemTotal_bytes'), 'total'],
        ),
        panel('Disk free', 'bytes', [gauge('node_filesystem_avail_bytes'), '{{mountpoint}}']),
        panel(
          'Disk reads and writes',
          'Bps',
          [`sum by (device) (${rate('node_disk_read_bytes_total')})`, 'read {{device}}'],
          [`sum by (device) (${rate('node_disk_written_bytes_total')})`, 'written {{device}}'],
        ),
        panel(
          'Network',
          'Bps',
          [`sum by (device) (${rate('node_network_receive_bytes_total')})`, 'received {{device}}'],
          [`sum by (device) (${rate('node_network_transmit_bytes_total')})`, 'sent {{device}}'],
        ),
      ],
    ],
  ],
  'node_uname_info',
);

function panel(title, unit, ...targets) {
  return { title, unit, targets };
}

/** Panels are four to a row, six units wide and seven high. */
function dashboard(name, rows, identity = `build_info{name="${name}"}`) {
  const panels = [];
  let y = 0;
  for (const [title, content] of rows) {
    panels.push({ type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y: y++, w: 24, h: 1 } });
    content.forEach((item, i) => {
      panels.push(timeseries(item, { x: (i % 4) * 6, y: y + Math.floor(i / 4) * 7, w: 6, h: 7 }));
    });
    y += Math.ceil(content.length / 4) * 7;
  }
  return {
    uid: name,
    title: name,
    tags: ['opendata'],
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    schemaVersion: 39,
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [
        { type: 'datasource', name: 'datasource', query: 'prometheus', label: 'Data source' },
        variable('job', `label_values(${identity}, job)`),
        variable('instance', `label_values(${identity}, instance)`),
      ],
    },
    panels: panels.map((item, i) => ({ id: i + 1, ...item })),
  };
}

function variable(name, query) {
  return {
    type: 'query',
    name,
    datasource,
    query: { query, refId: name },
    refresh: 2,
    includeAll: true,
    multi: true,
    current: { text: 'All', value: '$__all' },
  };
}

function timeseries({ title, unit, targets }, gridPos) {
  return {
    type: 'timeseries',
    title,
    gridPos,
    datasource,
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 8, showPoints: 'never' } }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: targets.map(([expr, legendFormat], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource,
      expr,
      legendFormat,
    })),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, content] of Object.entries(dashboards)) {
    const file = new URL(`../charts/${name}/files/dashboard.json`, import.meta.url);
    writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
  }
  const file = new URL('../docker/grafana/node.json', import.meta.url);
  writeFileSync(file, `${JSON.stringify(nodeDashboard, null, 2)}\n`);
}
