/** `.*` and `.+`. */
export const ANY = Symbol('.*');
export const SOME = Symbol('.+');

/** Literal texts with wildcards between them; two texts never follow each other, and no text is empty. */
export type Branch = readonly (string | typeof ANY | typeof SOME)[];

/** Alternatives beyond which a pattern is left to the regex engine: as written, and when groups are multiplied out. */
const MAX_BRANCHES = 100_000;
const MAX_PRODUCT = 4096;
/** Texts and wildcards in one alternative. */
const MAX_PARTS = 100;
const MAX_CLASS_CHARS = 64;
/** Deeper patterns are the regex engine's, which has a limit of its own. */
const MAX_DEPTH = 50;

const PLAIN_RUN = /[^\\.+*?()|[\]{}^$]+/uy;

/**
 * The alternatives that a simple pattern comes to: literals, `.*`, `.+`, groups, alternations, small classes and `?`.
 * `undefined` where the pattern has anything else, which needs a regex engine.
 */
export function simpleBranches(pattern: string): readonly Branch[] | undefined {
  const parser = { pattern, pos: 0 };
  const branches = parseAlternation(parser, 0);
  return parser.pos === pattern.length ? branches : undefined;
}

interface ShapeParser {
  readonly pattern: string;
  pos: number;
}

function parseAlternation(parser: ShapeParser, depth: number): Branch[] | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const all: Branch[] = [];
  for (;;) {
    const branches = parseSequence(parser, depth);
    if (branches === undefined || all.length + branches.length > MAX_BRANCHES) return undefined;
    for (const branch of branches) all.push(branch);
    if (parser.pattern[parser.pos] !== '|') return all;
    parser.pos++;
  }
}

function parseSequence(parser: ShapeParser, depth: number): Branch[] | undefined {
  const { pattern } = parser;
  let branches: Branch[] = [[]];
  // The whole pattern is anchored anyway.
  if (depth === 0 && pattern[parser.pos] === '^') parser.pos++;
  for (;;) {
    const char = pattern[parser.pos];
    if (char === undefined || char === '|' || char === ')') return branches;
    if (char === '$' && depth === 0 && (parser.pos + 1 === pattern.length || pattern[parser.pos + 1] === '|')) {
      parser.pos++;
      return branches;
    }
    const next = parseItem(parser, depth);
    if (next === undefined || branches[0]!.length > MAX_PARTS) return undefined;
    if (branches.length > 1 && branches.length * next.length > MAX_PRODUCT) return undefined;
    branches = next.length === 1 ? branches.map((b) => join(b, next[0]!)) : crossJoin(branches, next);
  }
}

function crossJoin(left: readonly Branch[], right: readonly Branch[]): Branch[] {
  return left.flatMap((l) => right.map((r) => join(l, r)));
}

function join(left: Branch, right: Branch): Branch {
  if (left.length === 0) return right;
  const last = left.at(-1);
  const first = right[0];
  if (typeof last === 'string' && typeof first === 'string')
    return [...left.slice(0, -1), last + first, ...right.slice(1)];
  return [...left, ...right];
}

/** A literal, class, group or wildcard with the quantifier after it. */
function parseItem(parser: ShapeParser, depth: number): Branch[] | undefined {
  const branches = parseAtom(parser, depth);
  if (branches === undefined) return undefined;
  const quantifier = parser.pattern[parser.pos];
  if (quantifier === '?') {
    parser.pos++;
    if (isQuantifier(parser.pattern[parser.pos])) return undefined;
    return [...branches, []];
  }
  return isQuantifier(quantifier) ? undefined : branches;
}

function isQuantifier(char: string | undefined): boolean {
  return char === '*' || char === '+' || char === '?' || char === '{';
}

function parseAtom(parser: ShapeParser, depth: number): Branch[] | undefined {
  const { pattern } = parser;
  const char = pattern[parser.pos]!;
  switch (char) {
    case '.':
      return parseWildcard(parser);
    case '(':
      return parseGroup(parser, depth);
    case '[':
      return parseClass(parser);
    case '\\': {
      const escaped = pattern[parser.pos + 1];
      if (escaped === undefined || !/^[!-/:-@[-^`{-~]$/.test(escaped)) return undefined;
      parser.pos += 2;
      return [[escaped]];
    }
    case '*':
    case '+':
    case '?':
    case '{':
    case '^':
    case '$':
      return undefined;
  }
  const literal = plainRun(pattern, parser.pos);
  parser.pos += literal.length;
  return [[literal]];
}

/** Plain characters from `start` on, without the last one where a quantifier takes that, but at least one. */
function plainRun(pattern: string, start: number): string {
  PLAIN_RUN.lastIndex = start;
  const run = PLAIN_RUN.exec(pattern)?.[0] ?? pattern[start]!;
  if (!isQuantifier(pattern[start + run.length])) return run;
  const chars = [...run];
  return chars.length === 1 ? run : chars.slice(0, -1).join('');
}

function parseWildcard(parser: ShapeParser): Branch[] | undefined {
  const quantifier = parser.pattern[parser.pos + 1];
  if (quantifier !== '*' && quantifier !== '+') return undefined;
  parser.pos += 2;
  const isLazy = parser.pattern[parser.pos] === '?';
  if (isLazy) parser.pos++;
  if (isQuantifier(parser.pattern[parser.pos])) return undefined;
  return [[quantifier === '*' ? ANY : SOME]];
}

function parseGroup(parser: ShapeParser, depth: number): Branch[] | undefined {
  const { pattern } = parser;
  parser.pos++;
  if (pattern[parser.pos] === '?') {
    if (pattern[parser.pos + 1] !== ':') return undefined;
    parser.pos += 2;
  }
  const branches = parseAlternation(parser, depth + 1);
  if (branches === undefined || pattern[parser.pos] !== ')') return undefined;
  parser.pos++;
  return branches;
}

/** `[abc]` and `[a-c0]`, without negation and escapes. */
function parseClass(parser: ShapeParser): Branch[] | undefined {
  const match = /^\[((?:[a-zA-Z0-9_](?:-[a-zA-Z0-9_])?)+)\]/.exec(parser.pattern.slice(parser.pos, parser.pos + 100));
  if (match === null) return undefined;
  const chars = new Set<string>();
  for (const [, from, to] of match[1]!.matchAll(/(.)(?:-(.))?/g)) {
    const last = (to ?? from!).charCodeAt(0);
    if (last < from!.charCodeAt(0)) return undefined;
    for (let code = from!.charCodeAt(0); code <= last; code++) chars.add(String.fromCharCode(code));
  }
  if (chars.size > MAX_CLASS_CHARS) return undefined;
  parser.pos += match[0].length;
  return [...chars].map((char) => [char]);
}

/** Text that every match of any pattern starts with, found without understanding the rest; often `''`. */
export function literalPrefix(pattern: string): string {
  if (hasTopLevelAlternation(pattern)) return '';
  const start = pattern.startsWith('^') ? 1 : 0;
  const literal = /^[^\\.+*?()|[\]{}^$]*/u.exec(pattern.slice(start))![0];
  const next = pattern[start + literal.length];
  if (next !== '*' && next !== '?' && next !== '{') return literal;
  // The last character belongs to the quantifier.
  return [...literal].slice(0, -1).join('');
}

function hasTopLevelAlternation(pattern: string): boolean {
  let depth = 0;
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    // Text quoted by \Q is too rare to be understood.
    if (char === '\\' && pattern[i + 1] === 'Q') return true;
    if (char === '\\') i++;
    else if (inClass) inClass = char !== ']';
    else if (char === '[') {
      inClass = true;
      if (pattern[i + 1] === '^') i++;
      if (pattern[i + 1] === ']') i++;
    } else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) return true;
  }
  // A class like [[:alpha:]] ends early here: then nothing is known.
  return pattern.includes('[[');
}
