import { createHash } from 'node:crypto';
import type { RE2JS } from 're2js';
import type { RelabelRule } from './relabel-config.ts';

/**
 * Applies the rules in order, in place.
 * @returns whether the labels are kept; where not, later rules were not applied
 */
export function relabel(labels: Map<string, string>, rules: readonly RelabelRule[]): boolean {
  return rules.every((rule) => apply(labels, rule));
}

function apply(labels: Map<string, string>, rule: RelabelRule): boolean {
  const { action, regex, targetLabel, replacement } = rule;
  switch (action) {
    case 'replace':
      replace(labels, rule);
      return true;
    case 'keep':
      return regex.matcher(source(labels, rule)).matches();
    case 'drop':
      return !regex.matcher(source(labels, rule)).matches();
    case 'keepequal':
      return source(labels, rule) === (labels.get(targetLabel) ?? '');
    case 'dropequal':
      return source(labels, rule) !== (labels.get(targetLabel) ?? '');
    case 'hashmod':
      set(labels, targetLabel, hashModulo(source(labels, rule), rule.modulus));
      return true;
    case 'labelmap':
      for (const [name, value] of [...labels]) {
        const mapped = expand(regex, name, replacement);
        if (mapped !== undefined) set(labels, mapped, value);
      }
      return true;
    case 'labeldrop':
      for (const name of [...labels.keys()]) if (regex.matcher(name).matches()) labels.delete(name);
      return true;
    case 'labelkeep':
      for (const name of [...labels.keys()]) if (!regex.matcher(name).matches()) labels.delete(name);
      return true;
    case 'lowercase':
      set(labels, targetLabel, source(labels, rule).toLowerCase());
      return true;
    case 'uppercase':
      set(labels, targetLabel, source(labels, rule).toUpperCase());
      return true;
  }
}

function source(labels: ReadonlyMap<string, string>, { sourceLabels, separator }: RelabelRule): string {
  return sourceLabels.map((name) => labels.get(name) ?? '').join(separator);
}

function replace(labels: Map<string, string>, rule: RelabelRule): void {
  const { regex, targetLabel, replacement } = rule;
  const value = source(labels, rule);
  const target = expand(regex, value, targetLabel);
  if (target === undefined || target === '') return;
  set(labels, target, expand(regex, value, replacement)!);
}

/** An empty value is no label. */
function set(labels: Map<string, string>, name: string, value: string): void {
  if (name === '') return;
  if (value === '') labels.delete(name);
  else labels.set(name, value);
}

/** The template with its `$1`, `${1}`, `$name` and `$$` filled in; `undefined` where the text does not match. */
function expand(regex: RE2JS, text: string, template: string): string | undefined {
  const matcher = regex.matcher(text);
  if (!matcher.matches()) return undefined;
  if (!template.includes('$')) return template;
  return template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, plain?: string) => {
    const name = braced ?? plain;
    if (name === undefined) return whole === '$$' ? '$' : whole;
    if (/^[0-9]+$/.test(name)) {
      const index = Number(name);
      return index <= matcher.groupCount() ? (matcher.group(index) ?? '') : '';
    }
    return name in regex.namedGroups() ? (matcher.group(name) ?? '') : '';
  });
}

/** The last 8 bytes of the MD5 as a number, as Prometheus does it, so that both split targets alike. */
function hashModulo(text: string, modulus: number): string {
  const digest = createHash('md5').update(text).digest();
  return String(digest.readBigUInt64BE(8) % BigInt(modulus));
}
