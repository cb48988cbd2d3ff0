import type { Matcher, MatchType, VectorSelector } from './ast.ts';
import { unquote } from './go-strings.ts';
import { METRIC_NAME } from './labels.ts';
import { regexError } from './matcher.ts';
import type { ErrorContext, TokenStream } from './token-stream.ts';

const PLACE = 'label matching';
const EXPECT_NAME: ErrorContext = { place: PLACE, expected: 'identifier or "}"' };
const EXPECT_OPERATOR: ErrorContext = { place: PLACE, expected: 'label matching operator' };
const EXPECT_STRING: ErrorContext = { place: PLACE, expected: 'string' };
const EXPECT_COMMA: ErrorContext = { place: PLACE, expected: '"," or "}"' };

/**
 * An instant vector selector. The metric name before the braces is the next token, or the range given where it has
 * been taken already.
 */
export function parseSelector(stream: TokenStream, nameStart?: number, nameEnd?: number): VectorSelector {
  let start = nameStart;
  let end = nameEnd;
  if (start === undefined && stream.peek() !== '{') {
    stream.take();
    start = stream.start;
    end = stream.end;
  }
  const name = start === undefined ? '' : stream.input.slice(start, end);
  let matchers: Matcher[] = [];
  if (stream.peek() === '{') {
    stream.take();
    start ??= stream.start;
    matchers = parseMatchers(stream);
    end = stream.end;
  }
  if (name !== '') matchers.push({ name: METRIC_NAME, type: '=', value: name });
  return {
    kind: 'vector-selector',
    name,
    matchers,
    offset: undefined,
    at: undefined,
    anchored: false,
    smoothed: false,
    position: stream.position(start!, end!),
  };
}

/** What is inside braces, the closing one included. */
function parseMatchers(stream: TokenStream): Matcher[] {
  const matchers: Matcher[] = [];
  while (!stream.accept('}')) {
    matchers.push(parseMatcher(stream));
    if (!stream.accept(',') && stream.peek() !== '}') stream.unexpected(EXPECT_COMMA);
  }
  return matchers;
}

function parseMatcher(stream: TokenStream): Matcher {
  const nameKind = stream.peek();
  if (nameKind !== 'identifier' && nameKind !== 'string') stream.unexpected(EXPECT_NAME);
  stream.take();
  const { start } = stream;
  const name = nameKind === 'string' ? unquote(stream.text()) : stream.text();
  const type = stream.peek();
  if (!isMatchType(type)) {
    if (nameKind === 'string') return { name: METRIC_NAME, type: '=', value: name };
    return stream.unexpected(EXPECT_OPERATOR);
  }
  stream.take();
  stream.expect('string', EXPECT_STRING);
  const value = unquote(stream.text());
  if (type === '=~' || type === '!~') {
    const error = regexError(value);
    if (error !== undefined) stream.error(error, start, stream.end);
  }
  return { name, type, value };
}

function isMatchType(kind: string): kind is MatchType {
  return kind === '=' || kind === '!=' || kind === '=~' || kind === '!~';
}
