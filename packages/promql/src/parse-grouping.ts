import { hasInvalidUtf8, quote, unquote } from './go-strings.ts';
import type { ErrorContext, TokenStream } from './token-stream.ts';
import { GROUPING_LABEL_KINDS } from './tokens.ts';

const PLACE = 'grouping opts';
const EXPECT_PAREN: ErrorContext = { place: PLACE, expected: '"("' };
const EXPECT_LABEL: ErrorContext = { place: PLACE, expected: 'label' };
const EXPECT_COMMA: ErrorContext = { place: PLACE, expected: '"," or ")"' };

/** The label names in `by (…)`, `on (…)` and their like, parentheses included. */
export function parseGrouping(stream: TokenStream): string[] {
  stream.expect('(', EXPECT_PAREN);
  const labels: string[] = [];
  while (!stream.accept(')')) {
    labels.push(parseLabel(stream));
    if (!stream.accept(',') && stream.peek() !== ')') stream.unexpected(EXPECT_COMMA);
  }
  return labels;
}

function parseLabel(stream: TokenStream): string {
  const isString = stream.peek() === 'string';
  if (!isString && !GROUPING_LABEL_KINDS.has(stream.peek())) stream.unexpected(EXPECT_LABEL);
  stream.take();
  const label = isString ? unquote(stream.text()) : stream.text();
  if (label === '' || hasInvalidUtf8(label))
    stream.error(`invalid label name for grouping: ${quote(label)}`, stream.start, stream.end);
  return label;
}
