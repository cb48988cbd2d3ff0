/** `up{instance="a:1", job="b"}` */
export function seriesText({ __name__: name = '', ...labels }: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name) && name !== '') {
    return `{${[JSON.stringify(name), ...pairs.map(pairText)].join(', ')}}`;
  }
  return pairs.length === 0 && name !== '' ? name : `${name}{${pairs.map(pairText).join(', ')}}`;
}

function pairText([name, value]: readonly [string, string]): string {
  const written = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);
  return `${written}=${JSON.stringify(value)}`;
}

interface HistogramValue {
  readonly count: string;
  readonly sum: string;
}

/** The value of a sample; of a histogram, its count and sum. */
export function sampleText(sample: readonly [number, string | HistogramValue] | undefined): string {
  if (sample === undefined) return '';
  const [, value] = sample;
  return typeof value === 'string' ? value : `{count:${value.count}, sum:${value.sum}}`;
}

/** Seconds since 1970 as RFC 3339. */
export function timeText(seconds: number): string {
  return new Date(Math.round(seconds * 1000)).toISOString();
}
