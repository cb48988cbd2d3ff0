import { expect, it } from 'vitest';
import { runScript } from './run.ts';

/** What comparison with Prometheus 3.16 found, with its answers. */
const CASES = `
load 1m
  float                    1x20
  falling_buckets{le="1"}  5x20
  falling_buckets{le="2"}  4x20
  falling_buckets{le="Inf"} 3x20
  exp{k="1"}               {{schema:0 sum:1 count:1 buckets:[1]}}x20
  exp{k="2"}               {{schema:0 sum:1 count:1 buckets:[1]}}x20
  unit{i="1"}              1x20
  last{k="1"}              {{schema:0 sum:1 count:1 buckets:[1]}}x20
  custom{k="1"}            {{schema:-53 sum:1 count:1 custom_values:[2] buckets:[1]}}x20
  custom{k="2"}            {{schema:-53 sum:1 count:1 custom_values:[2 3] buckets:[1]}}x20
  nans                     {{schema:0 sum:NaN count:5 buckets:[1 3]}}x20
  late                     1 2 3 {{schema:0 sum:1 count:1 buckets:[1]}}x9
  resetting{k="1"}         {{count:1 buckets:[1]}}+{{count:1 buckets:[1]}}x5 {{count:1 buckets:[1]}}+{{count:1 buckets:[1]}}x5
  resetting{k="2"}         {{count:1 buckets:[1]}}+{{count:1 buckets:[1]}}x7 {{count:1 buckets:[1]}}+{{count:1 buckets:[1]}}x5
  mix{k="1"}               {{schema:-53 sum:1 count:1 custom_values:[2] buckets:[1]}}x20
  mix{k="2"}               1x20
  mix{k="3"}               {{schema:-53 sum:1 count:1 custom_values:[2 3] buckets:[1]}}x20
  angle                    1e-300x20
  large                    9.98e307x20
  natural{v="a10"}         1x20
  natural{v="a9"}          2x20
  natural                  3x20
  area{k="gap"}            1 _ 3 stale 5 _x2 8
  area{k="nan"}            1 NaN 2
  area{k="infinite"}       1 Inf -Inf 4
  area{k="large"}          1e305 1e305 -1e305
  area{k="halves"}         -8.015470814229664 -4.462973396653278
  area{k="one"}            _x3 5
  area{k="histogram"}      {{schema:0 sum:3 count:4 buckets:[1 2 1]}}x4
  area{k="mix"}            1 2 {{schema:0 sum:3 count:4 buckets:[1 2 1]}} 4 6

# What is below a bound is never more than there is.
eval instant at 5m histogram_fraction(0.5, 2.5, falling_buckets)
  {} 0.16666666666666663

eval instant at 5m histogram_fraction(1, Inf, falling_buckets)
  {} 0

eval instant at 5m histogram_quantiles(falling_buckets, "q", -0)
  expect info regex: needed to be fixed for monotonicity
  {q="0.0"} 0

# The note of an operator is that of the last pair; what is filled in comes last, in the order of the other side.
eval instant at 5m unit </ fill_left (-1) {__name__=~"unit|exp"}
  expect info msg: PromQL info: incompatible sample types encountered for binary operator "</": float </ float (1:1)

eval instant at 5m unit </ fill_left (-1) {__name__=~"unit|last"}
  expect info msg: PromQL info: incompatible sample types encountered for binary operator "</": float </ histogram (1:1)

# Division by zero takes the buckets.
eval instant at 5m histogram_quantile(0.5, exp{k="1"} / -0)
  {k="1"} NaN

eval instant at 5m histogram_quantile(0, custom{k="1"} / 0)
  {k="1"} NaN

eval instant at 5m histogram_quantile(0.5, exp{k="1"} / 0)
  {k="1"} 0

eval instant at 5m histogram_quantile(0.5, nans * NaN)
  expect no_info
  {} NaN

eval instant at 5m histogram_quantile(0.99, nans * 0)
  expect no_info
  {} NaN

eval instant at 5m histogram_quantile(0.5, nans * -1)
  expect info msg: PromQL info: input to histogram_quantile has NaN observations, result is NaN for metric name "nans" (1:25)
  {} NaN

# Both kinds around a time are told of where no sample lies before it.
eval instant at 0 late smoothed offset 2m
  expect warn msg: PromQL warning: encountered a mix of histograms and floats for metric name "late" (1:1)

# Nothing inside of a subquery goes without buckets.
eval instant at 8m max_over_time(histogram_count(sum(resetting))[8m:1m])
  expect no_warn
  {} 12

eval instant at 8m histogram_count(sum(resetting))
  expect warn msg: PromQL warning: conflicting counter resets during histogram aggregation (1:21)
  {} 4

eval instant at 5m max_over_time(absent(sum(custom))[5m:1m])
  expect info msg: PromQL info: mismatched custom buckets were reconciled during aggregation (1:26)

# Histograms go on being added where floats come in between.
eval instant at 5m sum(mix)
  expect warn msg: PromQL warning: encountered a mix of histograms and floats for aggregation (1:5)
  expect info msg: PromQL info: mismatched custom buckets were reconciled during aggregation (1:5)

eval instant at 5m absent(none{a!~"", a="z", b="c"})
  {a="z", b="c"} 1

eval instant at 5m absent_over_time(none{a=~".*", a="z", b="c"}[5m])
  {a="z", b="c"} 1

eval instant at 5m absent(none{a!="y", a="z", b="c"})
  {b="c"} 1

eval instant at 5m rad(large) / 1e306
  {} 1.741838593490341

eval instant at 5m rad(angle) * 1e302
  {} 1.7453292519943295

# Notes of range functions tell of a name where there is none, be it for a subquery that took it.
eval instant at 5m rate((sum(late))[5m:1m])
  expect warn msg: PromQL warning: encountered a mix of histograms and floats for metric name "" (1:1)

eval instant at 5m deriv((sum(late))[5m:1m])
  expect info msg: PromQL info: ignored histograms in a range containing both floats and histograms for metric name "" (1:1)
  {} 0.016666666666666666

# Times of samples that do not depend on the step are taken once, and so are sorted.
eval range from 1m to 3m step 1m sort(timestamp((float @ end())))
  expect no_warn
  {} 180 180 180

eval range from 1m to 3m step 1m sort(timestamp(sum(float @ end())))
  expect warn regex: sort is ineffective
  {} 60 120 180

# Series without the label stay where they come.
eval instant at 5m sort_by_label(natural, "v")
  expect ordered
  natural{v="a9"} 2
  natural{v="a10"} 1
  natural 3

eval instant at 5m sort_by_label_desc(natural, "v")
  expect ordered
  natural 3
  natural{v="a10"} 1
  natural{v="a9"} 2

# Left sums, right sums, trapezoids; a NaN counts as 0, a single sample covers nothing.
eval instant at 8m integral(area[10m], 0)
  expect info msg: PromQL info: ignored histograms in a range containing both floats and histograms for metric name "area" (1:10)
  {k="gap"} 1.38E+03
  {k="halves"} -4.8092824885377985E+02
  {k="infinite"} NaN
  {k="large"} 1.1999999999999998E+307
  {k="mix"} 5.4E+02
  {k="nan"} 6E+01
  {k="one"} 0E+00

eval instant at 8m integral(area[10m], 1)
  expect info msg: PromQL info: ignored histograms in a range containing both floats and histograms for metric name "area" (1:10)
  {k="gap"} 2.4E+03
  {k="halves"} -2.6777840379919667E+02
  {k="infinite"} NaN
  {k="large"} 0E+00
  {k="mix"} 9.6E+02
  {k="nan"} 1.2E+02
  {k="one"} 0E+00

eval instant at 8m integral(area[10m], 2)
  expect info msg: PromQL info: ignored histograms in a range containing both floats and histograms for metric name "area" (1:10)
  {k="gap"} 1.89E+03
  {k="halves"} -3.7435332632648823E+02
  {k="infinite"} NaN
  {k="large"} 5.999999999999999E+306
  {k="mix"} 7.5E+02
  {k="nan"} 9E+01
  {k="one"} 0E+00

eval instant at 8m integral(area[10m])
  expect info msg: PromQL info: ignored histograms in a range containing both floats and histograms for metric name "area" (1:10)
  {k="gap"} 1.89E+03
  {k="halves"} -3.7435332632648823E+02
  {k="infinite"} NaN
  {k="large"} 5.999999999999999E+306
  {k="mix"} 7.5E+02
  {k="nan"} 9E+01
  {k="one"} 0E+00

eval instant at 8m integral(area[10m], -(-3))
  expect info msg: PromQL info: ignored histograms in a range containing both floats and histograms for metric name "area" (1:10)
  expect warn msg: PromQL warning: strategy should be 0, 1, or 2 (default), using 2, got 3 (1:21)
  {k="gap"} 1.89E+03
  {k="halves"} -3.7435332632648823E+02
  {k="infinite"} NaN
  {k="large"} 5.999999999999999E+306
  {k="mix"} 7.5E+02
  {k="nan"} 9E+01
  {k="one"} 0E+00

eval instant at 8m integral(nothing[10m], 3)
  expect no_warn

eval instant at 8m integral(area{k="one"}[10m] anchored)
  expect fail msg: anchored modifier can only be used with: changes, delta, increase, rate, resets - not with integral
`;

it('answers as the newest Prometheus does', async () => {
  const outcomes = await runScript(CASES);
  expect(outcomes).toHaveLength(34);
  expect(outcomes.filter(({ problems }) => problems.length > 0)).toEqual([]);
});
