import {
  compileMatcher,
  labelValue,
  type SelectRequest,
  type SeriesColumns,
  type SeriesSource,
} from '@opendata/promql';

/** Columns in memory as a source. */
export function sourceOf(columns: readonly SeriesColumns[]): SeriesSource {
  return {
    async select({ matchers, startMs, endMs }: SelectRequest) {
      const tests = matchers.map((matcher) => ({ name: matcher.name, compiled: compileMatcher(matcher) }));
      return columns.filter(
        ({ labels, timestamps }) =>
          timestamps.some((time) => time >= startMs && time <= endMs) &&
          tests.every(({ name, compiled }) => compiled.matches(labelValue(labels, name))),
      );
    },
  };
}
