/** A path with a parameter between two fixed parts. */
export interface PathPattern {
  readonly before: string;
  readonly after: string;
  readonly path: string;
}

const parameterInPath = /^(.*\/):\w+(.*)$/;
const plainParameter = /^\w+$/;

/** `/a/:name/b` as a pattern; undefined for a path without a parameter. */
export function pathPattern(path: string): PathPattern | undefined {
  const [, before, after] = parameterInPath.exec(path) ?? [];
  return before === undefined ? undefined : { before, after: after!, path };
}

/** The parameter in a path; empty where the path is another, or the parameter is not plain. */
export function parameterOf(path: string, { before, after }: PathPattern): string {
  if (path.length <= before.length + after.length || !path.startsWith(before) || !path.endsWith(after)) return '';
  const parameter = path.slice(before.length, path.length - after.length);
  return plainParameter.test(parameter) ? parameter : '';
}
