import { RE2JS } from 're2js';
import type { Matcher } from './ast.ts';

/** A matcher made ready: what it accepts, and what an index can use instead of asking for every value. */
export interface CompiledMatcher {
  matches(value: string): boolean;
  /** The only values that can match, where they can be listed. */
  readonly setMatches?: readonly string[];
  /** What every matching value starts with. */
  readonly prefix?: string;
  /** Whether series without the label match. */
  readonly matchesEmpty: boolean;
}

/** Compiles a matcher. @throws Error where its regular expression is not valid, which the parser has ruled out */
export function compileMatcher(matcher: Matcher): CompiledMatcher {
  const { type, value } = matcher;
  if (type === '=') return { matches: (v) => v === value, setMatches: [value], matchesEmpty: value === '' };
  if (type === '!=') return { matches: (v) => v !== value, matchesEmpty: value !== '' };
  const regex = RE2JS.compile(value, RE2JS.DOTALL);
  const isNegated = type === '!~';
  const matches = (v: string): boolean => regex.testExact(v) !== isNegated;
  return { matches, matchesEmpty: matches('') };
}

/** Why a regular expression is not valid, in Go's words; `undefined` where it is. */
export function regexError(pattern: string): string | undefined {
  if (!/[\\[\](){}*+?|^$.]/.test(pattern)) return undefined;
  try {
    RE2JS.compile(pattern, RE2JS.DOTALL);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(': `(?s)', ': `');
  }
}
