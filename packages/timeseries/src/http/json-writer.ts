import { Readable } from 'node:stream';
import { formatFloat, type Labels, type MatrixSeries, type QueryResult, type VectorSample } from '@opendata/promql';
import { createYielder } from '../head/yielder.ts';
import type { ApiReply } from './api-route.ts';
import { JsonBytes } from './json-bytes.ts';
import { histogramJson } from './json-histogram.ts';
import { formatTime, formatValue } from './json-numbers.ts';
import { jsonText } from './json-text.ts';
import { LabelsJson } from './labels-json.ts';
import { POINTS_PER_BATCH, pointsWriter } from './points-json.ts';
import { type UnreadAnswer, unreadAnswers } from './unread-answers.ts';

/** Bytes are handed on in pieces of about this size. */
export const PIECE_BYTES = 256 * 1024;
const SERIES_PER_TURN = 256;
const TEXTS_PER_TURN = 1024;
/** Batches of points, most often a series each, that are written between two looks at the clock. */
const BATCHES_PER_TURN = 64;
/** Points with histograms that are written between two looks at the clock. */
const MIXED_POINTS_PER_TURN = 256;

/** Sends a complete JSON text; as bytes, so that the type goes out as it is. */
export function sendJson<Reply extends ApiReply>(reply: Reply, json: string | Buffer): ApiReply {
  return reply.type('application/json').send(typeof json === 'string' ? Buffer.from(json) : json);
}

/**
 * An answer in pieces of bytes; the last one is what it returns. `undefined` is no piece but a moment at which the event
 * loop may have a turn.
 */
export type Pieces = Generator<Buffer | undefined, Buffer>;

/**
 * Sends JSON, or another type, in pieces; what is one piece only goes out whole.
 * @param heldBytes what the pieces are made of, which stays in memory until the client has read them
 */
export async function sendPieces(
  reply: ApiReply,
  pieces: Pieces,
  heldBytes: number,
  contentType = 'application/json',
): Promise<ApiReply> {
  const yielder = createYielder();
  let step = pieces.next();
  while (!step.done && step.value === undefined) {
    await yielder();
    step = pieces.next();
  }
  if (step.done) return reply.type(contentType).send(step.value);
  const answer: UnreadAnswer = {
    sizeBytes: heldBytes + 2 * PIECE_BYTES,
    waitingSinceMs: undefined,
    cut: () => body.destroy(new Error('the client does not read the answer')),
  };
  const body = Readable.from(piecesFrom(step.value!, pieces, yielder, answer), { objectMode: false });
  body.once('close', unreadAnswers.add(answer));
  return reply.type(contentType).send(body);
}

async function* piecesFrom(
  first: Buffer,
  pieces: Pieces,
  yielder: () => Promise<void>,
  answer: UnreadAnswer,
): AsyncGenerator<Buffer> {
  for (let piece: Buffer | undefined = first, done: boolean | undefined = false; ; ) {
    if (piece !== undefined) {
      answer.waitingSinceMs = performance.now();
      yield piece;
      answer.waitingSinceMs = undefined;
    }
    if (done) return;
    await yielder();
    ({ value: piece, done } = pieces.next());
  }
}

/** An answer whose data is label sets. */
export function* writeSeriesResponse(series: readonly Labels[], warnings: readonly string[]): Pieces {
  const out = new JsonBytes();
  out.text('{"status":"success","data":[');
  for (let i = 0; i < series.length; i += SERIES_PER_TURN) {
    writtenLabels.write(out, series, i, Math.min(i + SERIES_PER_TURN, series.length));
    yield out.length >= PIECE_BYTES ? out.take() : undefined;
  }
  out.text(`]${notes('warnings', warnings)}}`);
  return out.finish();
}

/** An answer whose data is texts. */
export function* writeTextsResponse(texts: readonly string[], warnings: readonly string[]): Pieces {
  const out = new JsonBytes();
  out.text('{"status":"success","data":[');
  for (let i = 0; i < texts.length; i += TEXTS_PER_TURN) {
    const json = jsonText(texts.slice(i, i + TEXTS_PER_TURN));
    out.text(`${i === 0 ? '' : ','}${json.slice(1, -1)}`);
    yield out.length >= PIECE_BYTES ? out.take() : undefined;
  }
  out.text(`]${notes('warnings', warnings)}}`);
  return out.finish();
}

/** What goes with a query's result. */
export interface QueryNotes {
  /** After the query's own. */
  readonly warnings: readonly string[];
  /** The query's statistics as JSON text. */
  readonly stats?: string | undefined;
  /** What each part of the expression gave, as JSON text. */
  readonly plan?: string | undefined;
}

/** The API's envelope around an answer. */
export function* writeQueryResponse(result: QueryResult, extra: QueryNotes): Pieces {
  const out = new JsonBytes();
  out.text(`{"status":"success","data":{"resultType":"${result.type}","result":`);
  if (result.type === 'scalar') {
    // Prometheus writes scalars and strings through Go's plain JSON encoder: no exponent, no padding of the time.
    out.text(`[${result.timestampMs / 1000},"${formatFloat(result.value)}"]`);
  } else if (result.type === 'string') out.text(`[${result.timestampMs / 1000},${jsonText(result.value)}]`);
  else {
    out.text('[');
    yield* result.type === 'vector'
      ? writeVector(out, result.value, formatTime(result.timestampMs))
      : writeMatrix(out, result.value);
    out.text(']');
  }
  if (extra.stats !== undefined) out.text(`,"stats":${extra.stats}`);
  if (extra.plan !== undefined) out.text(`,"plan":${extra.plan}`);
  out.text(`}${notes('warnings', [...result.warnings, ...extra.warnings])}${notes('infos', result.infos)}}`);
  return out.finish();
}

/** Pieces of which there is no last one. */
type Parts = Generator<Buffer | undefined, void>;

function* writeVector(out: JsonBytes, samples: readonly VectorSample[], time: string): Parts {
  for (let i = 0; i < samples.length; i++) {
    const { labels, value, histogram } = samples[i]!;
    const metric = `${i === 0 ? '' : ','}{"metric":${labelsJson(labels)}`;
    out.text(
      histogram === undefined
        ? `${metric},"value":[${time},"${formatValue(value)}"]}`
        : `${metric},"histogram":[${time},${histogramJson(histogram)}]}`,
    );
    if (out.length >= PIECE_BYTES) yield out.take();
    else if (i % SERIES_PER_TURN === SERIES_PER_TURN - 1) yield undefined;
  }
}

function* writeMatrix(out: JsonBytes, matrix: readonly MatrixSeries[]): Parts {
  const points = pointsWriter();
  let batches = 0;
  for (let i = 0; i < matrix.length; i++) {
    const series = matrix[i]!;
    const { labels, timestamps, values, histograms } = series;
    out.text(`${i === 0 ? '' : ','}{"metric":${labelsJson(labels)}`);
    if (histograms === undefined) {
      out.text(',"values":[');
      for (let from = 0; from < values.length; from += POINTS_PER_BATCH) {
        points(out, timestamps, values, from);
        if (out.length >= PIECE_BYTES) yield out.take();
        else if (++batches % BATCHES_PER_TURN === 0) yield undefined;
      }
      out.text(']}');
    } else {
      // Floats and histograms go into lists of their own.
      for (const wantsHistograms of [false, true]) {
        yield* writeMixed(out, series, histograms, wantsHistograms);
      }
      out.text('}');
    }
  }
}

function* writeMixed(
  out: JsonBytes,
  { timestamps, values }: MatrixSeries,
  histograms: NonNullable<MatrixSeries['histograms']>,
  wantsHistograms: boolean,
): Parts {
  let isEmpty = true;
  for (let i = 0; i < values.length; i++) {
    const histogram = histograms[i];
    if ((histogram !== undefined) === wantsHistograms) {
      const value = histogram === undefined ? `"${formatValue(values[i]!)}"` : histogramJson(histogram);
      const before = isEmpty ? `,"${wantsHistograms ? 'histograms' : 'values'}":[` : ',';
      out.text(`${before}[${formatTime(timestamps[i]!)},${value}]`);
      isEmpty = false;
    }
    if (out.length >= PIECE_BYTES) yield out.take();
    else if (i % MIXED_POINTS_PER_TURN === MIXED_POINTS_PER_TURN - 1) yield undefined;
  }
  if (!isEmpty) out.text(']');
}

/** An answer whose data is plain. */
export function dataResponse(data: unknown, warnings: readonly string[] = []): string {
  return `{"status":"success","data":${jsonText(data)}${notes('warnings', warnings)}}`;
}

function notes(name: string, texts: readonly string[]): string {
  return texts.length === 0 ? '' : `,"${name}":${jsonText(texts)}`;
}

/** `{"name":"value",…}` */
export function labelsJson(labels: Labels): string {
  if (labels.length === 0) return '{}';
  let text = `{${quoted(labels[0]!)}:${quoted(labels[1]!)}`;
  for (let i = 2; i < labels.length; i += 2) text += `,${quoted(labels[i]!)}:${quoted(labels[i + 1]!)}`;
  return `${text}}`;
}

const writtenLabels = new LabelsJson(labelsJson);

const MAX_QUOTED = 16_384;
const quotedStrings = new Map<string, string>();

/** A label's name or value in quotes; the same few are asked for again and again. */
function quoted(text: string): string {
  let json = quotedStrings.get(text);
  if (json === undefined) {
    if (quotedStrings.size >= MAX_QUOTED) quotedStrings.clear();
    quotedStrings.set(text, (json = JSON.stringify(text)));
  }
  return json;
}
