import type { ValueType } from './ast.ts';

export interface FunctionSignature {
  readonly name: string;
  readonly argTypes: readonly ValueType[];
  /**
   * 0: exactly `argTypes`. Otherwise the last of `argTypes` may be left out or repeated: up to this many times, or any
   * number of times where negative.
   */
  readonly variadic: number;
  readonly returnType: ValueType;
  /** Behind a feature flag in Prometheus; here everything is enabled. */
  readonly experimental: boolean;
}

interface SignatureOptions {
  readonly variadic?: number;
  readonly experimental?: boolean;
}

const table = new Map<string, FunctionSignature>();

function define(names: string, argTypes: readonly ValueType[], returnType: ValueType, options: SignatureOptions = {}) {
  const { variadic = 0, experimental = false } = options;
  for (const name of names.split(' ')) table.set(name, { name, argTypes, variadic, returnType, experimental });
}

// Elementwise over an instant vector.
define('abs ceil exp floor ln log10 log2 sgn sqrt', ['vector'], 'vector');
define('acos acosh asin asinh atan atanh cos cosh deg rad sin sinh tan tanh', ['vector'], 'vector');
define('clamp', ['vector', 'scalar', 'scalar'], 'vector');
define('clamp_max clamp_min', ['vector', 'scalar'], 'vector');
define('round', ['vector', 'scalar'], 'vector', { variadic: 1 });
define('timestamp', ['vector'], 'vector');
define('start_timestamp', ['vector'], 'vector', { experimental: true });

// Calendar, of the sample's value or, without an argument, of the evaluation time.
define('day_of_month day_of_week day_of_year days_in_month hour minute month year', ['vector'], 'vector', {
  variadic: 1,
});

// Over a range.
define('changes delta deriv idelta increase irate rate resets', ['matrix'], 'vector');
define('absent_over_time avg_over_time count_over_time last_over_time max_over_time min_over_time', [
  'matrix',
], 'vector');
define('present_over_time stddev_over_time stdvar_over_time sum_over_time', ['matrix'], 'vector');
define('first_over_time mad_over_time', ['matrix'], 'vector', { experimental: true });
define('ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time', ['matrix'], 'vector', {
  experimental: true,
});
define('integral', ['matrix', 'scalar'], 'vector', { variadic: 1, experimental: true });
define('predict_linear', ['matrix', 'scalar'], 'vector');
define('double_exponential_smoothing', ['matrix', 'scalar', 'scalar'], 'vector', { experimental: true });
define('quantile_over_time', ['scalar', 'matrix'], 'vector');

// Histograms.
define('histogram_avg histogram_count histogram_stddev histogram_stdvar histogram_sum', ['vector'], 'vector');
define('histogram_fraction', ['scalar', 'scalar', 'vector'], 'vector');
define('histogram_quantile', ['scalar', 'vector'], 'vector');
define('histogram_quantiles', ['vector', 'string', 'scalar', 'scalar'], 'vector', { variadic: 9, experimental: true });

// Labels and order.
define('absent sort sort_desc', ['vector'], 'vector');
define('sort_by_label sort_by_label_desc', ['vector', 'string'], 'vector', { variadic: -1, experimental: true });
define('label_replace', ['vector', 'string', 'string', 'string', 'string'], 'vector');
define('label_join', ['vector', 'string', 'string', 'string'], 'vector', { variadic: -1 });
define('info', ['vector', 'vector'], 'vector', { variadic: 1, experimental: true });

// Scalars.
define('pi time', [], 'scalar');
define('end range start step', [], 'scalar', { experimental: true });
define('max_of min_of', ['scalar', 'scalar'], 'scalar', { experimental: true });
define('scalar', ['vector'], 'scalar');
define('vector', ['scalar'], 'vector');

/** All functions of Prometheus 3.16 by name. */
export const functions: ReadonlyMap<string, FunctionSignature> = table;
