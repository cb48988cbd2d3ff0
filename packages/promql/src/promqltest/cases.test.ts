import { expect, it } from 'vitest';
import { runScript } from './run.ts';

/** Annotations and odd arguments that the differential tests found. */
const CASES = `
load 1m
  float                 1+1x10
  numbers               _ 4-2x5
  odd{k="nan"}          {{schema:0 sum:NaN count:5 buckets:[1 3]}}x10
  custom                {{schema:-53 sum:4 count:4 custom_values:[1 2 5] buckets:[1 2 1]}}x4 {{schema:-53 sum:9 count:6 custom_values:[1 5 9] buckets:[1 2 3]}}x5
  gauge_custom          {{schema:-53 sum:4 count:4 custom_values:[1 2 5] buckets:[1 2 1] counter_reset_hint:gauge}}x4 {{schema:-53 sum:9 count:6 custom_values:[1 5 9] buckets:[1 2 3] counter_reset_hint:gauge}}x5
  other_custom          {{schema:-53 sum:1 count:1 custom_values:[3] buckets:[1]}}x9
  infinite              NaN Inf Inf Inf Inf Inf Inf Inf Inf Inf Inf
  floats_again          1 2 {{count:1 buckets:[1]}} 8 9
  only_nan              {{schema:0 sum:NaN count:3}}x9
  falling               {{count:1 buckets:[1]}}+{{count:1 buckets:[1]}}x4 {{count:2 buckets:[2]}}+{{count:1 buckets:[1]}}x4
  one_sided             {{schema:0 sum:3 count:6 z_bucket:4 z_bucket_w:0.25 buckets:[0 2] n_buckets:[0 0] counter_reset_hint:gauge}}x9
  only_bucket{le="+Inf"} 3x10
  typed{__type__="gauge",__unit__="s",k="1"} 5x10
  minus_zero            {{schema:0 sum:-0 count:2 buckets:[2]}}x10
  one_bucket            {{schema:0 sum:20 count:16 buckets:[0 16]}}x10
  thirds                {{schema:0 sum:0.1 count:0.3 buckets:[0.3]}}x10
  two_le{le="1"}        1x10
  two_le{le="+Inf"}     3x10
  two_values{k="1"}     1 -Inf 1
  two_values{k="2"}     Inf 1 _
  odd_le{le="1"}        1x10
  odd_le{le="NaN"}      2x10
  odd_le{le="1e400"}    2x10
  odd_le{le="+Inf"}     4x10
  custom_nan            {{schema:-53 sum:NaN count:7 custom_values:[1 2] buckets:[1 1 1]}}x10
  gauge_then_custom     {{count:1 buckets:[1]}} {{count:2 buckets:[2] counter_reset_hint:gauge}} {{schema:-53 count:3 custom_values:[1 2] buckets:[3]}} {{count:4 buckets:[4]}}
  crosses_zero          {{schema:-53 sum:1 count:10 custom_values:[-1 1] offset:0 buckets:[4 4 2]}}x10
  resets_and_not{k="1"} {{schema:0 sum:1 count:2 buckets:[1 1]}} {{schema:0 sum:2 count:3 buckets:[1 2]}}
  resets_and_not{k="2"} {{schema:0 sum:1 count:9 buckets:[8 1]}} {{schema:0 sum:1 count:2 buckets:[1 1]}}
  other_buckets         {{schema:0 sum:1 count:2 buckets:[1 1]}} {{schema:0 sum:2 count:3 buckets:[2 1]}}
  exp                   {{schema:0 sum:4 count:4 z_bucket:1 z_bucket_w:0.001 buckets:[1 2]}}x10

eval instant at 5m start_timestamp(float)
  {} 0

eval instant at 5m start_timestamp((float offset 1m))
  {} 0

eval instant at 5m start_timestamp(float + 0)

eval instant at 5m start_timestamp(sum(float))

eval instant at 5m start_timestamp(last_over_time(float[1m]))

eval instant at 5m histogram_fraction(0, 1, odd)
  expect info regex: has NaN observations, which are excluded
  {k="nan"} 0.2

eval instant at 5m histogram_fraction(1, 0, odd)
  expect no_info
  {k="nan"} 0

eval instant at 5m histogram_fraction(1, 1, odd)
  expect no_info
  {k="nan"} 0

eval instant at 5m histogram_fraction(NaN, 1, odd)
  expect no_info
  {k="nan"} NaN

eval range from 0 to 6m step 1m quantile(scalar(numbers), float)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got NaN (1:10)
  {} NaN Inf Inf 4 -Inf -Inf -Inf

eval range from 1m to 6m step 1m quantile(scalar(numbers), float)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 4 (1:10)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got -6 (1:10)
  {} Inf Inf 4 -Inf -Inf -Inf

eval instant at 5m exp </ NaN
  exp {{schema:0 sum:NaN count:NaN z_bucket:NaN z_bucket_w:0.001}}

eval instant at 5m custom >/ NaN
  custom {{schema:-53 custom_values:[1 5 9]}}

eval instant at 4m30s delta(custom[2m] smoothed)
  expect warn msg: PromQL warning: this native histogram metric is not a gauge: "custom" (1:7)
  expect info msg: PromQL info: mismatched custom buckets were reconciled during subtraction (1:7)
  expect info msg: PromQL info: mismatched custom buckets were reconciled during addition (1:7)
  {} {{schema:-53 sum:2.5 count:1 custom_values:[1 5] buckets:[0 -0.5 1.5] counter_reset_hint:gauge}}

eval instant at 4m30s gauge_custom smoothed
  expect info msg: PromQL info: mismatched custom buckets were reconciled during subtraction (1:1)
  expect info msg: PromQL info: mismatched custom buckets were reconciled during addition (1:1)
  gauge_custom {{schema:-53 sum:6.5 count:5 custom_values:[1 5] buckets:[1 2.5 1.5]}}

eval instant at 5m histogram_count(sum({__name__=~"custom|other_custom"}))
  expect no_info
  {} 7

eval instant at 5m histogram_fraction(-Inf, Inf, only_bucket)
  {} 1

eval instant at 5m histogram_fraction(0, 3, only_bucket)
  {} 0

eval instant at 5m histogram_count(falling + falling offset 1m)
  expect warn msg: PromQL warning: conflicting counter resets during histogram addition (1:17)

eval instant at 7m histogram_count(falling + falling offset 1m)
  expect no_warn
  {} 7

eval instant at 5m histogram_fraction(NaN, 1, histogram_count(falling + falling offset 1m))
  expect warn msg: PromQL warning: bucket label "le" is missing or has a malformed value of "" (1:28)

eval instant at 5m histogram_quantile(0, only_nan)
  expect info msg: PromQL info: input to histogram_quantile has NaN observations, result is skewed higher for metric name "only_nan" (1:23)
  {} NaN

eval range from 5m to 5m step 1m step()
  {} 0

eval range from 5m to 6m step 1m step()
  {} 60 60

eval range from 0 to 5m step 1m quantile(scalar(infinite), float)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got NaN (1:10)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got +Inf (1:10)
  {} NaN Inf Inf Inf Inf Inf

eval instant at 5m float[2m * -1]
  expect fail msg: 6:13: duration must be greater than 0

eval instant at 5m sum_over_time(float[min_of(0s, 1m)])
  expect fail msg: 20:34: duration must be greater than 0

eval instant at 5m float[5m:(1m - 1m)] offset (NaN * 1)
  expect fail msg: 28:35: duration is NaN or infinite

eval instant at 5m sum_over_time(float[0.0001 * 1])

eval instant at 5m timestamp(float @ 120 offset -1m)
  {} 120

eval instant at 4m10s resets(floats_again[80s] anchored)
  {} 1

eval instant at 5m one_sided </ 0.1
  one_sided {{schema:0 sum:0.08 count:1.6 z_bucket:1.6 z_bucket_w:0.25 buckets:[0 0] n_buckets:[0 0]}}

eval instant at 5m count_values("v", histogram_sum(sum(minus_zero)) or histogram_sum(avg(minus_zero)))
  {v="-0"} 1

eval instant at 5m count_values("v", histogram_quantile(0.46875, one_bucket))
  {v="1.3839098819638318"} 1

eval instant at 5m count_values("v", histogram_avg(avg_over_time(thirds[5m:1m])))
  {v="0.33333333333333337"} 1

eval instant at 5m sum without (k) (typed)
  {__type__="gauge", __unit__="s"} 5

eval instant at 5m sum without (k) (rate(typed[2m]))
  expect info msg: PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "typed" (1:23)
  {} 0

eval range from 5m to 7m step 1m quantile(time() - 300, float @ 60)
  {} 2 2 2

eval instant at 5m float offset (2 ^ 34)
  expect fail msg: 14:20: duration is out of range

eval instant at 5m sum_over_time(float[-2 ^ 34])
  expect fail msg: 20:27: duration must be greater than 0

eval range from 0 to 5m step 1m topk(scalar(numbers) * 1e20, float)
  expect fail msg: Parameter value is NaN

eval instant at 5m histogram_quantiles(two_le, "q", 0.5, 0.5) or vector(1)
  expect fail msg: vector cannot contain metrics with the same labelset

eval range from 5m to 6m step 1m count(histogram_quantiles(two_le, "q", 0.5, 0.5) or vector(1))
  expect fail msg: vector cannot contain metrics with the same labelset

eval instant at 5m float + on () (sum by (x) (two_le) or sum by (le) (two_le{le="1"}))
  expect fail msg: found duplicate series for the match group {} on the right hand-side of the operation: [{le="1"}, {}];many-to-many matching not allowed: matching labels must be unique on one side

eval instant at 5m double_exponential_smoothing(float[5m], -Inf, 0.5)
  expect fail msg: invalid smoothing factor. Expected: 0 < sf < 1, got: -Inf

eval instant at 5m double_exponential_smoothing(float[5m], 0.5, 1e22)
  expect fail msg: invalid trend factor. Expected: 0 < tf < 1, got: 10000000000000000000000.000000

# The bound of a bucket that is open on one side is the answer whatever else was observed.
eval instant at 5m histogram_quantile(0.5, custom_nan)
  expect no_info
  {} 2

eval instant at 5m histogram_quantile(0.1, custom_nan)
  expect info msg: PromQL info: input to histogram_quantile has NaN observations, result is skewed higher for metric name "custom_nan" (1:25)
  {} 0.7

# The value next to the one asked for does not count, be it infinite.
eval range from 0 to 2m step 1m quantile(0, two_values)
  {} 1 -Inf 1

eval range from 0 to 2m step 1m quantile(1, two_values)
  {} Inf 1 1

eval instant at 2m quantile_over_time(0, two_values{k="2"}[10m])
  {k="2"} 1

eval instant at 2m quantile_over_time(1, two_values{k="1"}[10m])
  {k="1"} 1

eval instant at 5m histogram_quantile(0.25, odd_le)
  expect warn msg: PromQL warning: bucket label "le" is missing or has a malformed value of "NaN" for metric name "odd_le" (1:26)
  expect warn msg: PromQL warning: bucket label "le" is missing or has a malformed value of "1e400" for metric name "odd_le" (1:26)
  {} 1

# A first custom bucket that ends above zero starts there, others are where they are.
eval instant at 5m histogram_fraction(-0.5, 1, crosses_zero)
  {} 0.3

eval instant at 5m histogram_fraction(0, 1, crosses_zero)
  {} 0.2

eval instant at 5m histogram_fraction(-Inf, -1, crosses_zero)
  {} 0.4

eval instant at 5m histogram_fraction(0.25, 1, custom_nan)
  {} 0.10714285714285714

# What needs no buckets, and what needs them in between.
eval instant at 1m histogram_count(sum(resets_and_not))
  expect warn msg: PromQL warning: conflicting counter resets during histogram aggregation (1:21)
  {} 5

eval instant at 1m absent(sum(resets_and_not))
  expect warn msg: PromQL warning: conflicting counter resets during histogram aggregation (1:12)

eval range from 0 to 1m step 1m timestamp(avg(resets_and_not))
  expect warn msg: PromQL warning: conflicting counter resets during histogram aggregation (1:15)
  {} 0 60

eval instant at 1m start_timestamp(sum(resets_and_not))
  expect warn msg: PromQL warning: conflicting counter resets during histogram aggregation (1:21)

eval instant at 1m absent(count_values("v", sum(resets_and_not)))
  expect no_warn

eval instant at 1m absent(resets_and_not == ignoring(k) group_left () other_buckets)
  {} 1

eval instant at 1m histogram_count(resets_and_not{k="1"} != ignoring(k) other_buckets)
  {} 3

# Gauges are told of, but of a mix of buckets only those at the ends of the window.
eval instant at 3m rate(gauge_then_custom[4m])
  expect warn msg: PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name "gauge_then_custom" (1:6)

eval instant at 3m rate(gauge_then_custom[3m])
  expect warn msg: PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name "gauge_then_custom" (1:6)
  expect warn msg: PromQL warning: this native histogram metric is not a counter: "gauge_then_custom" (1:6)

eval instant at 5m custom * NaN
  {} {{schema:-53 count:NaN sum:NaN custom_values:[1 5 9] buckets:[NaN NaN NaN]}}

eval instant at 4m custom / NaN
  {} {{schema:-53 count:NaN sum:NaN custom_values:[1 2 5] buckets:[NaN NaN NaN]}}
`;

it('answers as Prometheus does', async () => {
  const outcomes = await runScript(CASES);
  expect(outcomes).toHaveLength(68);
  expect(outcomes.filter(({ problems }) => problems.length > 0)).toEqual([]);
});
