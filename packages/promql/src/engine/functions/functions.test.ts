import { describe, expect, it } from 'vitest';
import { at, engineOf, over, show, sourceOf } from '../engine.testing.ts';
import { formatFloat, formatGeneral, formatTwoDigits } from '../format.ts';

const source = sourceOf('m{a="x-1", b="z"} -2.5 2', 'm{a="y-10"} 3 NaN', 'm{a="y-9"} 1 7');

describe('functions of one value', () => {
  it.each([
    ['abs(m{b="z"})', '{a="x-1", b="z"} 2.5'],
    ['ceil(m{b="z"})', '{a="x-1", b="z"} -2'],
    ['round(m{b="z"})', '{a="x-1", b="z"} -2'],
    ['round(m{b="z"}, 2)', '{a="x-1", b="z"} -2'],
    ['sgn(m{b="z"})', '{a="x-1", b="z"} -1'],
    ['clamp(m{b="z"}, -1, 1)', '{a="x-1", b="z"} -1'],
    ['clamp_min(m{b="z"}, -1)', '{a="x-1", b="z"} -1'],
    ['deg(vector(pi()))', '{} 180'],
    ['vector(scalar(m))', '{} NaN'],
    ['vector(scalar(m{b="z"}))', '{} -2.5'],
    ['timestamp(m{b="z"})', '{a="x-1", b="z"} 0'],
  ])('%s', async (query, expected) => {
    expect(await at(source, query, 0)).toEqual([expected]);
  });

  it.each([
    ['day_of_month', '29'],
    ['day_of_week', '4'],
    ['day_of_year', '60'],
    ['days_in_month', '29'],
    ['hour', '23'],
    ['minute', '59'],
    ['month', '2'],
    ['year', '2024'],
  ])('%s of a leap day', async (name, expected) => {
    expect(await at(source, `${name}(vector(1709251199))`, 0)).toEqual([`{} ${expected}`]);
  });

  it('time, start, end, range and step', async () => {
    expect(await over(source, 'time() + 0 * (start() + end() + range() + step())', 0, 1)).toEqual(['{} 0=0 1=60']);
    expect(await over(source, 'range() - step()', 0, 3)).toEqual(['{} 0=120 1=120 2=120 3=120']);
    expect(await at(source, 'max_of(1, 2) + min_of(3, 4)', 0)).toEqual(['5']);
  });
});

describe('functions of labels', () => {
  it('label_replace matches the whole value and expands groups', async () => {
    expect(await at(source, `label_replace(m{b="z"}, "c", "\${n}-$1-$$", "a", "(?P<n>\\\\w)-(.)")`, 0)).toEqual([
      'm{a="x-1", b="z", c="x-x-$"} -2.5',
    ]);
    expect(await at(source, 'label_replace(m{b="z"}, "c", "$1", "a", "-(.)")', 0)).toEqual(['m{a="x-1", b="z"} -2.5']);
    expect(await at(source, 'label_replace(abs(m{b="z"}), "__name__", "n", "", "")', 0)).toEqual([
      'n{a="x-1", b="z"} 2.5',
    ]);
  });

  it('label_join joins in the order given', async () => {
    expect(await at(source, 'label_join(m{b="z"}, "c", "/", "b", "none", "a")', 0)).toEqual([
      'm{a="x-1", b="z", c="z//x-1"} -2.5',
    ]);
  });

  it('sort by value with NaN last, and naturally by label', async () => {
    expect((await at(source, 'sort_desc(m)', 1)).map((line) => line.split(' ').at(-1))).toEqual(['7', '2', 'NaN']);
    expect(await at(source, 'sort_by_label(m, "a")', 0)).toEqual([
      'm{a="x-1", b="z"} -2.5',
      'm{a="y-9"} 1',
      'm{a="y-10"} 3',
    ]);
    const late = sourceOf('late _ _ 1 1', 'early 1 1');
    expect(await at(late, 'last_over_time(sort({__name__=~"late|early"})[3m:1m])', 3)).toHaveLength(2);
    const { warnings } = await engineOf().range(source, 'sort(m)', 0, 1, 1);
    expect(warnings).toEqual([
      'PromQL warning: sort is ineffective for range queries since results are always ordered by labels (1:1)',
    ]);
  });

  it('sort many naturally by label, those without it first', async () => {
    const values = Array.from({ length: 20 }, (_, i) => (i * 7) % 20);
    const many = sourceOf(
      ...values.map((value, i) => `m{i="${i}"${value % 7 === 3 ? '' : `, v="a${value}"`}} ${value}`),
    );
    const sorted = async (sort: string) =>
      (await at(many, `${sort}(m, "v")`, 0)).map((line) => Number(line.split(' ').at(-1)));
    const ascending = [0, 1, 2, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 18, 19];
    expect((await sorted('sort_by_label')).slice(3)).toEqual(ascending);
    expect((await sorted('sort_by_label_desc')).slice(0, 17)).toEqual(ascending.toReversed());
  });

  it('absent takes its labels from the selector', async () => {
    expect(await at(source, 'absent(n{a="1", b=~"2", c="3", c="4"})', 0)).toEqual(['{a="1"} 1']);
    expect(await at(source, 'absent(m)', 0)).toEqual([]);
  });
});

describe('info()', () => {
  const infos = sourceOf(
    'm{instance="i", job="j"} 5 6',
    'target_info{instance="i", job="j", version="1", zone="a"} 1 stale',
    'target_info{instance="i", job="j", version="2", zone="a"} _ 1',
    'build_info{instance="i", job="j", commit="c"} 1 1',
  );

  it('adds the labels of the info series in force', async () => {
    expect(await over(infos, 'info(m)', 0, 1)).toEqual([
      'm{instance="i", job="j", version="1", zone="a"} 0=5',
      'm{instance="i", job="j", version="2", zone="a"} 1=6',
    ]);
    expect(await at(infos, 'info(m, {version=~".+"})', 0)).toEqual(['m{instance="i", job="j", version="1"} 5']);
    expect(await at(infos, 'info(m, {__name__="build_info"})', 0)).toEqual(['m{commit="c", instance="i", job="j"} 5']);
    expect(await at(infos, 'info(m, {version="3"})', 0)).toEqual([]);
  });
});

describe('classic histograms', () => {
  const buckets = (counts: readonly number[]) =>
    ['1', '2', '+Inf'].map((le, i) => `h_bucket{le="${le}"} ${counts[i]!}`);

  it('have quantiles and fractions', async () => {
    const histogram = sourceOf(...buckets([10, 30, 40]));
    expect(await at(histogram, 'histogram_quantile(0.5, h_bucket)', 0)).toEqual(['{} 1.5']);
    expect(await at(histogram, 'histogram_quantile(0.99, h_bucket)', 0)).toEqual(['{} 2']);
    expect(await at(histogram, 'histogram_fraction(0, 1.5, h_bucket)', 0)).toEqual(['{} 0.5']);
    expect(await at(histogram, 'histogram_quantiles(h_bucket, "q", 0.25, 1)', 0)).toEqual([
      '{q="0.25"} 1',
      '{q="1.0"} 2',
    ]);
  });

  it('are repaired where they do not ascend, with an info', async () => {
    const result = await engineOf().instant(sourceOf(...buckets([20, 10, 40])), 'histogram_quantile(0.5, h_bucket)', 0);
    expect(show(result)).toEqual(['{} 1']);
    expect(result.infos).toEqual([
      'PromQL info: input to histogram_quantile needed to be fixed for monotonicity ' +
        '(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) ' +
        'for metric name "h_bucket", from buckets 2 to 2, with a max diff of 10, ' +
        'over 1 samples from 1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z (1:25)',
    ]);
  });

  it.each([true, false])('notes tell the name of a metric that still has it (delayed removal: %s)', async (delayed) => {
    const lines = buckets([20, 10, 40]);
    const mixed = [...lines, 'h_bucket{k="1", le="+Inf"} 1', 'h_bucket{k="1"} {{count:1 sum:1 buckets:[1]}}'];
    const engine = engineOf({ delayedNameRemoval: delayed });
    const result = await engine.instant(sourceOf(...mixed), 'histogram_quantile(0.5, h_bucket)', 0);
    const name = delayed ? ' for metric name "h_bucket"' : '';
    expect(result.infos.join()).toContain(`functions/#histogram_quantile)${name}, from buckets 2 to 2`);
    expect(result.warnings).toEqual([
      `PromQL warning: vector contains a mix of classic and native histograms${name} (1:25)`,
    ]);
  });

  it('count repairs over steps as Prometheus does, adding the count to itself at each', async () => {
    const histogram = sourceOf(...['1', '2', '+Inf'].map((le, i) => `h_bucket{le="${le}"} ${[1000, 1, 2000][i]}x9`));
    const query = 'histogram_quantile(0.5, h_bucket) + histogram_quantile(0.9, h_bucket)';
    const { infos } = await engineOf().range(histogram, query, 0, 120_000, 60_000);
    expect(infos).toEqual([
      expect.stringContaining(
        'with a max diff of 1e+03, over 20 samples from 1970-01-01T00:00:00Z to 1970-01-01T00:02:00Z',
      ),
    ]);
  });
});

describe('native histograms with custom buckets', () => {
  const native = sourceOf('n {{schema:-53 count:20 sum:31 custom_values:[-1 0 1 4] buckets:[3 4 5 6 2]}}');

  it.each([
    ['histogram_fraction(-0.5, 0.5, n)', '{} 0.225'],
    ['histogram_fraction(-Inf, 0, n)', '{} 0.35'],
    ['histogram_quantile(0.9, -n)', '{} -1'],
  ])('have the values of a bucket spread over it, on both sides of zero: %s', async (query, expected) => {
    expect(await at(native, query, 0)).toEqual([expected]);
  });
});

describe('labels of absent', () => {
  it('leave out what several matchers name, whatever their kinds and order', async () => {
    expect(await at(source, 'absent(x{a!~"y", a="z", b="c"})', 0)).toEqual(['{b="c"} 1']);
  });
});

describe('label_replace and label_join', () => {
  it('fail over their own arguments before those of their vector', async () => {
    const ambiguous = 'm + on () m';
    await expect(at(source, `label_replace(${ambiguous}, "a", "$1", "b", "(")`, 0)).rejects.toThrow(
      'invalid regular expression in label_replace(): (',
    );
    await expect(at(source, `label_join(${ambiguous}, "", "-", "b")`, 0)).rejects.toThrow(
      'invalid destination label name in label_join(): ',
    );
  });
});

describe('logarithms', () => {
  it.each([
    ['log10(vector(5))', '0.6989700043360187'],
    ['log10(vector(1000))', '3'],
    ['log2(vector(3))', '1.5849625007211563'],
    ['log2(vector(8))', '3'],
    ['log2(vector(-1))', 'NaN'],
    ['log2(vector(0))', '-Inf'],
    ['log2(vector(Inf))', '+Inf'],
    ['log2(vector(5e-324))', '-1074'],
  ])('are those of Go to the last bit: %s', async (query, expected) => {
    expect(await at(source, query, 0)).toEqual([`{} ${expected}`]);
  });
});

describe('float formats', () => {
  it('write as Go does', () => {
    expect([1, -0.5, 1e21, 1.5e-7, -1e-7, Infinity, -Infinity, Number.NaN, -0].map(formatFloat)).toEqual([
      '1',
      '-0.5',
      '1000000000000000000000',
      '0.00000015',
      '-0.0000001',
      '+Inf',
      '-Inf',
      'NaN',
      '-0',
    ]);
    expect([46.5, 47.5, 46.51, 0.0125, 99.6, 0.00012, 1e-7, 0].map(formatTwoDigits)).toEqual([
      '46',
      '48',
      '47',
      '0.013',
      '1e+02',
      '0.00012',
      '1e-07',
      '0',
    ]);
    expect([1, 1e20, 1e21, 1.5e-7, 0.0001, 0].map(formatGeneral)).toEqual([
      '1',
      '1e+20',
      '1e+21',
      '1.5e-07',
      '0.0001',
      '0',
    ]);
  });
});
