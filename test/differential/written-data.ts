import { labelsKey } from '@opendata/promql';
import { parseSeries } from '../../packages/promql/src/promqltest/parse-series.ts';
import { DATA_START_MS, type GeneratedSeries, type GeneratedValue } from './data.ts';

const STEP_MS = 30_000;

/** A series of every kind, in the notation of Prometheus' test language, thirty seconds apart. */
const SERIES = `
counter{a="1",b="x"}   0+3x9 1 5 5 9+2.5x10
counter{a="2",b="x"}   10+1x11 _x3 stale _ 3+4x8
counter{a="3",b="y"}   _ _ 1+1x3 0 0 0 1 stale _x4 7+7x9
gauge{a="1",b="x"}     1 -2 3.5 0.25 -7+1.5x9 2 2 2 2+0x8
gauge{a="2",b="x"}     5-1x9 100 _x2 3 3 3.25x9
gauge{a="3",b="y"}     0.5 _ 1e9 -1e-9 12.5+0.125x20
special{a="1",b="x"}   NaN Inf -Inf 0 -0 1e308 1e308 -1e308 2.5 NaN NaN NaN Inf Inf 1 2 3 -Inf 5 NaN 7x4
special{a="2",b="x"}   NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN
special{a="3",b="y"}   Inf Inf Inf Inf Inf Inf Inf Inf Inf Inf Inf -Inf -Inf -Inf -Inf -Inf -Inf -Inf -Inf -Inf -Inf -Inf -Inf -Inf -Inf
other{a="1"}           2+1x24
other{a="2"}           0x24
lone                   4-0.5x24
sparse{a="1"}          _x5 3 _x12 8 _ _ _
bucket{a="1",le="0.5"}  0+1x24
bucket{a="1",le="1"}    0+3x24
bucket{a="1",le="2.5"}  1+4x24
bucket{a="1",le="+Inf"} 1+5x24
bucket{a="2",le="1"}    2+3x24
bucket{a="2",le="2"}    1+3x24
bucket{a="2",le="low"}  1+3x24
bucket{a="2",le="+Inf"} 5+3x24
bucket{a="3",le="1"}    5+3x24
sorted{v="a10"}  3x24
sorted{v="a9"}   1x24
sorted{v="A1"}   2x24
sorted{v="1.5"}  NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN
sorted{v="é"}    -1x24
native{a="1",b="x"} {{schema:1 sum:2 count:6 z_bucket:1 z_bucket_w:0.01 buckets:[1 2] n_buckets:[1 0 1]}}+{{schema:1 sum:1.5 count:4 z_bucket:1 z_bucket_w:0.01 buckets:[1 1 1] offset:0}}x11 {{schema:1 sum:1 count:1 buckets:[1]}}+{{schema:1 sum:3 count:2 buckets:[1 0 1]}}x12
native{a="2",b="x"} {{schema:0 sum:20 count:9 buckets:[1 2 4 2] offset:-1}}x6 {{schema:0 sum:40 count:11 buckets:[2 2 5 2] offset:-1}}x4 _x2 stale _ {{schema:2 sum:4 count:3 z_bucket:1 z_bucket_w:0.5 buckets:[2]}}+{{schema:2 sum:2 count:1 buckets:[1] z_bucket_w:0.5 offset:3}}x9
native{a="3",b="y"} {{schema:0 sum:5 count:4 n_buckets:[1 2 1]}}+{{schema:0 sum:-2 count:2 n_buckets:[1 1]}}x24
oddnative{a="1",b="x"} {{schema:0 sum:NaN count:5 buckets:[1 3]}}+{{schema:0 sum:1 count:1 buckets:[1]}}x24
oddnative{a="2",b="x"} {{}}x24
oddnative{a="3",b="y"} {{schema:3 sum:Inf count:4 buckets:[1 1 2] offset:10}}x24
gaugenative{a="1",b="x"} {{schema:0 sum:6 count:5 buckets:[1 3 1] counter_reset_hint:gauge}}x4 {{schema:0 sum:3 count:2 buckets:[1 1] counter_reset_hint:gauge}}x9 {{schema:1 sum:9 count:8 buckets:[1 3 2 2] counter_reset_hint:gauge}}x9
gaugenative{a="2",b="x"} {{schema:0 sum:6 count:5 buckets:[1 3 1] counter_reset_hint:gauge}}x24
custom{a="1",b="x"} {{schema:-53 sum:4 count:5 custom_values:[1 2 5] buckets:[1 2 1 1]}}+{{schema:-53 sum:3 count:2 custom_values:[1 2 5] buckets:[1 0 1]}}x24
custom{a="2",b="x"} {{schema:-53 sum:4 count:4 custom_values:[1 2 5] buckets:[1 2 1]}}x9 {{schema:-53 sum:9 count:6 custom_values:[1 5 9] buckets:[1 2 3]}}x14
custom{a="3",b="y"} {{schema:-53 sum:-1 count:3 custom_values:[-2 0 5] buckets:[1 1 1]}}+{{schema:-53 sum:1 count:1 custom_values:[-2 0 5] buckets:[0 1]}}x24
mixed{a="1",b="x"} 1 2 3 {{schema:0 sum:1 count:1 buckets:[1]}}+{{schema:0 sum:1 count:1 buckets:[1]}}x5 7 8 {{schema:0 sum:9 count:9 buckets:[9]}}x3 _ 3 4 5 {{schema:-53 sum:1 count:1 custom_values:[2] buckets:[1]}}x6
mixed{a="2",b="x"} {{schema:0 sum:1 count:1 buckets:[1]}}x9 5x14
target_info{a="1",instance="i",job="j",data="d1",extra="e"} 1x24
info_base{instance="i",job="j"} 1+1x24
`;

/** The series, at fixed times from `DATA_START_MS` on. */
export function writtenData(): GeneratedSeries[] {
  const lines = SERIES.split('\n').filter((line) => line !== '');
  const all = lines.map((line) => {
    const { labels, points } = parseSeries(line, 1);
    const timestamps: number[] = [];
    const values: GeneratedValue[] = [];
    for (const [i, point] of points.entries()) {
      if (point === undefined) continue;
      timestamps.push(DATA_START_MS + i * STEP_MS);
      if (point.kind === 'histogram') values.push(point.histogram);
      else values.push(point.stale ? 'stale' : point.value);
    }
    return { labels, timestamps: Float64Array.from(timestamps), values };
  });
  if (new Set(all.map(({ labels }) => labelsKey(labels))).size !== all.length) throw new Error('a series twice');
  return all;
}
