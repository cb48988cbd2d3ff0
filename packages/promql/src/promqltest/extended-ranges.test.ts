import { expect, it } from 'vitest';
import { runScript } from './run.ts';

/** Ranges under modifiers, start timestamps beside them, info series and what else was compared with Prometheus 3.16. */
const CASES = `
load 1m
  climbing                 1 2 4 8 _ 16 17
  apart                    _x20 5
  native                   {{schema:0 sum:1 count:1 buckets:[1]}}x20
  part{job="api"}                    1x20
  part{instance="alone"}             2x20
  part{job="api", instance="a"}      3x20
  part                               4x20
  target_info{job="api", by="job"}                     1x20
  target_info{instance="alone", by="instance"}         1x20
  target_info{job="api", instance="a", by="both"}      1x20
  target_info{job="api", instance="alone", by="none"}  1x20
  target_info{by="nothing"}                            1x20
  clash{job="api", instance="a"}     1x20
  clash{job="web", instance="b"}     1x20
  twice_info{job="api", instance="b", v="1"} 1x20
  twice_info{job="api", instance="b", v="2"} 1x20
  less                     {{schema:0 sum:7 count:7 z_bucket:2 z_bucket_w:0.001 buckets:[2 3]}} {{schema:0 sum:9 count:9 z_bucket:1 z_bucket_w:0.001 buckets:[3 5]}}
  open                     {{schema:-4 sum:3 count:3 offset:64 buckets:[1 1 1]}}x20
  sparse{k="1"}            {{schema:0 sum:2 count:2 buckets:[2] counter_reset_hint:gauge}} _ {{schema:0 sum:1 count:1 buckets:[1]}}
  sparse{k="2"}            {{schema:0 sum:2 count:2 buckets:[2] counter_reset_hint:gauge}} _ {{schema:0 sum:1 count:1 buckets:[1] counter_reset_hint:gauge}}
  moved                    {{schema:0 sum:3 count:3 buckets:[1 2]}} {{schema:0 sum:3 count:3 buckets:[2 1]}}
  falling_bucket{le="1"}   2x20
  falling_bucket{le="+Inf"} 1e3x20
  started{k="before"}@st   -3m _x6
  started{k="before"}      60 _x6
  started{k="inside"}@st   _ _ -30s -90s -150s _x2
  started{k="inside"}      _ _ 60 70 80 _x2
  started{k="delta"}@st    _ -1mx3 _x2
  started{k="delta"}       _ 5 7 7 8 _x2
  started{k="unknown"}@st  _ 0s -1m -2m _x3
  started{k="unknown"}     _ 5 7 7 _x3
  started{k="after"}@st    _x5 -30s
  started{k="after"}       _x5 60

# What a range is under a modifier: it has samples at both of its ends.
eval instant at 5m climbing[4m] anchored
  expect range vector from 1m to 5m step 1m
  climbing 2 4 8 _ 16

eval instant at 4m climbing[4m] anchored
  expect range vector from 0 to 4m step 1m
  climbing 1 2 4 8 8

eval instant at 270s climbing[3m] smoothed
  expect range vector from 90s to 270s step 30s
  climbing 3 4 _ 8 _ _ 14

eval instant at 7m climbing[30s] anchored
  expect range vector from 390s to 420s step 30s

eval instant at 2m climbing[1m] offset 30s smoothed
  expect range vector from 30s to 2m step 30s
  climbing 1.5 2 3

eval instant at 19m apart[2m] smoothed
  expect range vector from 17m to 19m step 1m
  apart 5 _ 5

eval instant at 1m native[1m] anchored
  expect fail msg: anchored modifier is not supported with histograms

# Info series are read for what of the identifying labels a series has.
eval instant at 5m info(part)
  part{job="api", by="job"} 1
  part{instance="alone", by="instance"} 2
  part{job="api", instance="a", by="both"} 3
  part 4

# Of those that are read no two may be equally new, be they of no series.
eval instant at 5m info(clash, {__name__="twice_info"})
  expect fail regex: found duplicate series for info metric: existing .*v="1"

# A zero bucket of less than nothing is not cut and does not count.
eval instant at 1m (less - less offset 1m) </ 1
  {} {{schema:0 count:1 sum:0.7071067811865476 counter_reset_hint:gauge z_bucket:-1 z_bucket_w:0.001 buckets:[1]}}

eval instant at 1m open >/ 1e300
  open {{schema:-4 count:3 sum:3 offset:64 buckets:[1 1 1]}}

# Between two samples a histogram is a gauge only where both are.
eval instant at 1m sparse smoothed
  sparse{k="1"} {{schema:0 count:0.5 sum:0.5 buckets:[0.5]}}
  sparse{k="2"} {{schema:0 count:1.5 sum:1.5 buckets:[1.5]}}

# Changes are seen in buckets.
eval instant at 1m histogram_count(moved and changes(moved[5m]) > 0)
  {} 3

eval instant at 1m timestamp(changes(moved[5m]) > 0)
  {} 60

# Far in the open bucket there is nothing, and far beyond no telling.
eval instant at 1m histogram_fraction(2, 1e300, falling_bucket)
  {} 0

eval instant at 1m histogram_fraction(2, 1e306, falling_bucket)
  {} NaN

eval range from 0 to 5m step 1m climbing[1 - 2]
  expect fail msg: invalid expression type "range vector" for range query, must be Scalar or instant Vector

# Counters start anew at their start timestamps.
eval instant at 3m increase(started[2m] anchored)
  {k="delta"} 9
  {k="inside"} 70
  {k="unknown"} 2

eval instant at 3m increase(started[2m] smoothed)
  {k="delta"} 9
  {k="inside"} 70
  {k="unknown"} 2

eval instant at 5m rate(started[90s] smoothed)
  {k="after"} 0.6666666666666666
  {k="delta"} 0.044444444444444446
  {k="inside"} 0.05555555555555555

eval instant at 5m increase(started[5m] anchored)
  {k="after"} 60
  {k="delta"} 17
  {k="inside"} 80
  {k="unknown"} 2

eval instant at 285s increase(started[90s] smoothed)
  {k="after"} 30
  {k="delta"} 6
  {k="inside"} 7.5
`;

it('answers as the newest Prometheus does', async () => {
  const outcomes = await runScript(CASES);
  expect(outcomes).toHaveLength(22);
  expect(outcomes.filter(({ problems }) => problems.length > 0)).toEqual([]);
});
