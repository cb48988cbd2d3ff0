import type { RenderableFamily } from './renderable.ts';
import { type ExpositionFormat, escapeHelp, escapeQuoted } from './text.ts';

/** Text is handed on in pieces of at least this many characters: about a thousand samples, well under a millisecond. */
const PART_CHARACTERS = 64 * 1024;

/**
 * Writes families in name order, those of one name as one. In OpenMetrics a counter is named without the `_total` that
 * its samples carry; one whose samples have no `_total` cannot be a counter there and is exposed as `unknown`.
 */
export function* renderFamilies(
  families: readonly RenderableFamily[],
  format: ExpositionFormat,
  report: (message: string) => void,
): Iterable<string> {
  const groups = groupByName(families, report);
  const names = [...groups.keys()].sort();
  let part = '';
  for (const name of names) {
    const group = groups.get(name)!;
    part += format === 'openmetrics' ? openMetricsHeader(group[0]!, groups) : textHeader(group[0]!);
    for (const family of group) {
      for (const lines of family.lines(format)) {
        part += lines;
        if (part.length >= PART_CHARACTERS) {
          yield part;
          part = '';
        }
      }
    }
  }
  if (format === 'openmetrics') part += '# EOF\n';
  yield part;
}

function groupByName(
  families: readonly RenderableFamily[],
  report: (message: string) => void,
): Map<string, RenderableFamily[]> {
  const groups = new Map<string, RenderableFamily[]>();
  for (const family of families) {
    const group = groups.get(family.name);
    if (group === undefined) {
      groups.set(family.name, [family]);
    } else if (group[0]!.type === family.type) {
      group.push(family);
    } else {
      report(`metric ${family.name} is both a ${group[0]!.type} and a ${family.type}: the second is left out`);
    }
  }
  return groups;
}

function textHeader({ name, help, type }: RenderableFamily): string {
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
}

function openMetricsHeader(family: RenderableFamily, groups: ReadonlyMap<string, unknown>): string {
  let { name, type }: { name: string; type: string } = family;
  if (family.type === 'counter') {
    const base = name.endsWith('_total') ? name.slice(0, -'_total'.length) : '';
    if (base === '' || groups.has(base)) type = 'unknown';
    else name = base;
  }
  return `# TYPE ${name} ${type}\n# HELP ${name} ${escapeQuoted(family.help)}\n`;
}
