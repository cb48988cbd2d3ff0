import type { FloatHistogram } from '../histogram.ts';
import type { Labels } from '../labels.ts';

/** One point of a series description: a float, a histogram, or nothing. */
export type Point =
  | { readonly kind: 'float'; readonly value: number; readonly stale: boolean }
  | { readonly kind: 'histogram'; readonly histogram: FloatHistogram; readonly hintGiven: boolean }
  | undefined;

export interface SeriesDescription {
  readonly labels: Labels;
  readonly points: readonly Point[];
  /** By point, start timestamps relative to the sample's time in milliseconds. */
  readonly startOffsetsMs?: readonly (number | undefined)[];
  readonly line: number;
}

export interface TextExpectation {
  readonly kind: 'fail' | 'warn' | 'info';
  /** What the text must be or match; any text without it. */
  readonly match:
    | { readonly message: string }
    | { readonly regex: string; readonly finds: (text: string) => boolean }
    | undefined;
  readonly line: number;
  /** As the older forms of commands have it: `eval_warn`. */
  readonly isSuffix?: boolean;
}

/** A series that is expected, at this position of the result. */
export interface ExpectedSeries extends SeriesDescription {
  readonly position: number;
}

export interface Times {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** The expected outcome of an eval. */
export interface Expectations {
  readonly texts: readonly TextExpectation[];
  readonly ordered: boolean;
  readonly noWarn: boolean;
  readonly noInfo: boolean;
  /** A scalar result. */
  readonly scalar: number | undefined;
  readonly string: string | undefined;
  /** Instant query with a range vector result. */
  readonly rangeVector: Times | undefined;
  readonly series: readonly ExpectedSeries[];
}

export interface EvalCommand {
  readonly kind: 'eval';
  readonly line: number;
  readonly query: string;
  readonly times: Times;
  readonly isRange: boolean;
  readonly expected: Expectations;
}

export type Command =
  | { readonly kind: 'clear'; readonly line: number }
  | {
      readonly kind: 'load';
      readonly line: number;
      readonly stepMs: number;
      readonly withCustomBuckets: boolean;
      readonly series: readonly SeriesDescription[];
    }
  | EvalCommand
  /** A command that is not written in the test language. */
  | { readonly kind: 'unreadable'; readonly line: number; readonly text: string; readonly message: string };

/** A line that is not written in the test language. */
export class ScriptError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.name = 'ScriptError';
    this.line = line;
  }
}
