import { RE2JS } from 're2js';
import type { Matcher } from './ast.ts';
import { hasInvalidUtf8 } from './go-strings.ts';
import { alternativesOf } from './regex-alternatives.ts';
import { ANY, type Branch, literalPrefix, SOME, simpleBranches } from './regex-shape.ts';

/** A matcher made ready: what it accepts, and what an index can use instead of asking for every value. */
export interface CompiledMatcher {
  matches(value: string): boolean;
  /** The only values that can match, each once, where they can be listed. */
  readonly setMatches?: readonly string[];
  /** What every matching value starts with; absent where nothing is known. */
  readonly prefix?: string;
  /** Whether series without the label match. */
  readonly matchesEmpty: boolean;
}

type Test = (value: string) => boolean;

interface CompiledRegex {
  readonly test: Test;
  readonly setMatches?: readonly string[];
  readonly prefix?: string;
}

/** Patterns kept compiled, the least recently used dropped first. */
const MAX_CACHED = 256;
const cache = new Map<string, CompiledRegex>();

/**
 * Compiles a matcher. Regular expressions are RE2's, match whole values, and `.` matches newlines.
 * @throws Error where the regular expression is not valid, which the parser has ruled out for its matchers
 */
export function compileMatcher({ type, value }: Matcher): CompiledMatcher {
  if (type === '=') return { matches: (v) => v === value, setMatches: [value], matchesEmpty: value === '' };
  if (type === '!=') return { matches: (v) => v !== value, matchesEmpty: value !== '' };
  const { test, ...known } = compileRegex(value);
  if (type === '=~') return { matches: test, ...known, matchesEmpty: test('') };
  return { matches: (v) => !test(v), matchesEmpty: !test('') };
}

/** A regular expression of RE2 to look for in texts. @throws Error where it is not valid */
export function compileSearch(pattern: string): (text: string) => boolean {
  const regex = RE2JS.compile(pattern);
  return (text) => regex.matcher(text).find();
}

/** Whether series without the label match. @throws as compileMatcher */
export function matchesEmpty({ type, value }: Matcher): boolean {
  if (type === '=') return value === '';
  if (type === '!=') return value !== '';
  return compileRegex(value).test('') === (type === '=~');
}

/** Why a regular expression is not valid, in Go's words; `undefined` where it is. */
export function regexError(pattern: string): string | undefined {
  if (cache.has(pattern) || !/[\\.+*?()[\]{}^$]/.test(pattern)) return undefined;
  if (hasInvalidUtf8(pattern)) return `error parsing regexp: invalid UTF-8: \`${pattern}\``;
  try {
    compileRegex(pattern);
    return undefined;
  } catch (error) {
    return goErrorText((error as Error).message, pattern);
  }
}

/** Go names the whole pattern, or nothing, where RE2JS names none, and without the flag that we add. */
function goErrorText(message: string, pattern: string): string {
  if (message.startsWith(TOO_LARGE)) return message;
  if (message.endsWith('trailing backslash at end of expression')) return `${message}: \`\``;
  if (!message.endsWith('`')) return `${message}: \`${pattern}\``;
  if (message.endsWith(': `(?P<`')) return 'error parsing regexp: invalid or unsupported Perl syntax: `(?P`';
  return message.replace(`: \`(?s)${pattern}\``, () => `: \`${pattern}\``);
}

function compileRegex(pattern: string): CompiledRegex {
  let regex = cache.get(pattern);
  if (regex === undefined) {
    regex = compileSimple(pattern) ?? compileAlternatives(pattern) ?? compileGeneral(pattern);
    if (cache.size >= MAX_CACHED) cache.delete(cache.keys().next().value!);
  } else cache.delete(pattern);
  cache.set(pattern, regex);
  return regex;
}

/** Characters of a pattern that are left to the regex engine, which needs up to 10 µs for each to get ready. */
const MAX_ENGINE_CHARACTERS = 32_768;
/** Alternatives that the engine gets at a time: many together take it longer. */
const ALTERNATIVES_AT_ONCE = 64;

/** @throws Error where the pattern is not valid, or larger than what is left to the engine */
function compileGeneral(pattern: string): CompiledRegex {
  if (pattern.length > MAX_ENGINE_CHARACTERS) throw new Error(tooLarge(pattern.length));
  const regex = RE2JS.compile(pattern, RE2JS.DOTALL);
  const prefix = literalPrefix(pattern);
  const test: Test = (value) => value.startsWith(prefix) && regex.testExact(value);
  return prefix === '' ? { test: (value) => regex.testExact(value) } : { test, prefix };
}

function tooLarge(characters: number): string {
  return `${TOO_LARGE}: ${characters} characters that are no plain texts, of at most ${MAX_ENGINE_CHARACTERS}`;
}

const TOO_LARGE = 'error parsing regexp: expression too large';

/** The plain ones among the alternatives as such, and the others by the engine; `undefined` where there is nothing gained. */
function compileAlternatives(pattern: string): CompiledRegex | undefined {
  const parts = alternativesOf(pattern);
  if (parts === undefined || parts.length < 2) return undefined;
  const plain: Branch[] = [];
  const others: string[] = [];
  for (const part of parts) {
    const branches = simpleBranches(part);
    if (branches === undefined) others.push(part);
    else for (const branch of branches) plain.push(branch);
  }
  const characters = others.reduce((sum, part) => sum + part.length + 1, 0);
  if (characters > MAX_ENGINE_CHARACTERS) throw new Error(tooLarge(characters));
  const plainTest = plain.length === 0 ? undefined : compileBranches(plain)?.test;
  if (plain.length > 0 && plainTest === undefined) return undefined;
  const tests: Test[] = plainTest === undefined ? [] : [plainTest];
  try {
    for (let i = 0; i < others.length; i += ALTERNATIVES_AT_ONCE) {
      const regex = RE2JS.compile(others.slice(i, i + ALTERNATIVES_AT_ONCE).join('|'), RE2JS.DOTALL);
      tests.push((value) => regex.testExact(value));
    }
  } catch {
    // What is wrong is said of the whole pattern.
    return undefined;
  }
  return { test: tests.length === 1 ? tests[0]! : (value) => tests.some((accepts) => accepts(value)) };
}

/** Alternatives without a text at their start beyond which the regex engine, which tries all at once, is the better way. */
const MAX_HEADLESS_BRANCHES = 16;

function compileSimple(pattern: string): CompiledRegex | undefined {
  const branches = simpleBranches(pattern);
  return branches && compileBranches(branches);
}

function compileBranches(branches: readonly Branch[]): CompiledRegex | undefined {
  const values = new Set<string>();
  const wild: Branch[] = [];
  for (const branch of branches) {
    if (isLiteral(branch)) values.add((branch[0] as string | undefined) ?? '');
    else wild.push(branch);
  }
  if (wild.length === 0) {
    const setMatches = [...values];
    const only = setMatches[0]!;
    return { test: values.size === 1 ? (value) => value === only : (value) => values.has(value), setMatches };
  }
  const headless = wild.filter((branch) => typeof branch[0] !== 'string');
  if (headless.length > MAX_HEADLESS_BRANCHES) return undefined;
  const prefix = commonPrefix(branches.map((branch) => (typeof branch[0] === 'string' ? branch[0] : '')));
  const tests =
    wild.length <= MAX_HEADLESS_BRANCHES ? wild.map(compileBranch) : [byHead(wild), ...headless.map(compileBranch)];
  if (values.size > 0) tests.unshift((value) => values.has(value));
  const test: Test = tests.length === 1 ? tests[0]! : (value) => tests.some((accepts) => accepts(value));
  return prefix === '' ? { test } : { test, prefix };
}

/** Those of the alternatives that start with a text, found by it. */
function byHead(branches: readonly Branch[]): Test {
  const heads = new Map<string, Test[]>();
  for (const branch of branches) {
    if (typeof branch[0] !== 'string') continue;
    const tests = heads.get(branch[0]);
    if (tests === undefined) heads.set(branch[0], [compileBranch(branch)]);
    else tests.push(compileBranch(branch));
  }
  const lengths = [...new Set([...heads.keys()].map((head) => head.length))];
  return (value) =>
    lengths.some(
      (length) =>
        length <= value.length && (heads.get(value.slice(0, length))?.some((accepts) => accepts(value)) ?? false),
    );
}

function isLiteral(branch: Branch): boolean {
  return branch.length === 0 || (branch.length === 1 && typeof branch[0] === 'string');
}

function commonPrefix(texts: readonly string[]): string {
  let prefix = texts[0]!;
  for (const text of texts) while (!text.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix;
}

/** Texts in order, with at least `gap` characters before each and after the last. */
function compileBranch(branch: Branch): Test {
  const head = typeof branch[0] === 'string' ? branch[0] : '';
  const texts: string[] = [];
  const gaps: number[] = [];
  let gap = 0;
  let isOpen = false;
  for (const part of head === '' ? branch : branch.slice(1)) {
    if (part === ANY || part === SOME) {
      isOpen = true;
      gap += part === SOME ? 1 : 0;
    } else {
      texts.push(part);
      gaps.push(gap);
      gap = 0;
      isOpen = false;
    }
  }
  if (gap < 2 && gaps.length === 0 && isOpen) return startsWith(head, gap);
  const tail = isOpen ? '' : (texts.pop() ?? '');
  const tailGap = isOpen ? gap : (gaps.pop() ?? 0);
  const isWholeHead = tail === '' && !isOpen && texts.length === 0;
  if (isWholeHead) return (value) => value === head;
  return (value) => {
    if (!value.startsWith(head) || !value.endsWith(tail)) return false;
    let pos = head.length;
    for (let i = 0; i < texts.length; i++) {
      pos = value.indexOf(texts[i]!, skipChars(value, pos, gaps[i]!));
      if (pos < 0) return false;
      pos += texts[i]!.length;
    }
    return skipChars(value, pos, tailGap) <= value.length - tail.length;
  };
}

function startsWith(head: string, gap: number): Test {
  if (head !== '') return (value) => value.startsWith(head) && value.length >= head.length + gap;
  return gap === 0 ? () => true : (value) => value !== '';
}

/** Position after `count` characters, not UTF-16 code units; beyond the end where there are too few. */
function skipChars(value: string, pos: number, count: number): number {
  for (let i = 0; i < count; i++) pos += (value.codePointAt(pos) ?? 0) > 0xffff ? 2 : 1;
  return pos;
}
