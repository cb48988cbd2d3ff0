import { functions } from '@opendata/promql';
import type { FastifyInstance } from 'fastify';
import { addApiRoute } from './api-route.ts';
import { dataResponse, sendJson } from './json-writer.ts';

export interface FeatureOptions {
  /** `/-/reload` and `/-/quit` are answered. */
  readonly lifecycle: boolean;
  readonly isReadOnly: boolean;
}

/** What clients may ask whether it is there, by Prometheus' names. */
function features({ lifecycle, isReadOnly }: FeatureOptions): object {
  const all = (names: readonly string[], value: boolean) => Object.fromEntries(names.map((name) => [name, value]));
  return {
    api: {
      ...all(['admin', 'exclude_alerts', 'openapi_3.1', 'openapi_3.2', 'query_cost', 'search'], false),
      ...all(['otlp_write_receiver', 'remote_write_receiver'], !isReadOnly),
      ...all(['label_values_match', 'query_stats', 'query_warnings', 'time_range_labels', 'time_range_series'], true),
      lifecycle,
    },
    otlp_receiver: { delta_conversion: true, native_delta_ingestion: false },
    prometheus: { agent_mode: false, auto_reload_config: false, server_mode: true },
    promql: {
      ...all(['anchored', 'at_modifier', 'bool', 'by', 'duration_expr', 'fill', 'fill_left', 'fill_right'], true),
      ...all(['group_left', 'group_right', 'ignoring', 'negative_offset', 'offset', 'on'], true),
      ...all(['per_query_lookback_delta', 'per_step_stats', 'smoothed', 'subqueries', 'without'], true),
      ...all(['delayed_name_removal', 'type_and_unit_labels', 'unquoted_utf8_names'], false),
    },
    promql_functions: all([...functions.keys()].sort(), true),
  };
}

/** `/api/v1/features`, `/api/v1/notifications` and `/api/v1/status/walreplay`. */
export function addFeatureRoutes(app: FastifyInstance, options: FeatureOptions): void {
  const answers: Record<string, object> = {
    '/features': features(options),
    // The server has nothing to tell its users but in its log.
    '/notifications': [],
    // The journal is replayed before the API answers.
    '/status/walreplay': { min: 0, max: 0, current: 0 },
  };
  for (const [path, data] of Object.entries(answers)) {
    const text = dataResponse(data);
    addApiRoute(app, { methods: ['GET'], path, handler: (_parameters, reply) => sendJson(reply, text) });
  }
}
