import { formatFloat, type Labels, type MatrixSeries, type QueryResult, type VectorSample } from '@opendata/promql';
import type { FastifyReply } from 'fastify';
import { createYielder } from '../head/yielder.ts';
import { histogramJson } from './json-histogram.ts';
import { formatTime, formatValue } from './json-numbers.ts';
import { jsonText } from './json-text.ts';
import { pointsWriter } from './points-json.ts';

/** Text is handed on in pieces of about this many characters. */
const PIECE_CHARACTERS = 128 * 1024;

/** Sends a complete JSON text; as bytes, so that the type goes out as it is. */
export function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json').send(Buffer.from(text));
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

/** The API's envelope around an answer, in pieces; gives the event loop its turns. */
export async function* writeQueryResponse(result: QueryResult, extra: QueryNotes): AsyncGenerator<string> {
  const yielder = createYielder();
  let text = `{"status":"success","data":{"resultType":"${result.type}","result":`;
  if (result.type === 'scalar') {
    // Prometheus writes scalars and strings through Go's plain JSON encoder: no exponent, no padding of the time.
    text += `[${result.timestampMs / 1000},"${formatFloat(result.value)}"]`;
  } else if (result.type === 'string') {
    text += `[${result.timestampMs / 1000},${jsonText(result.value)}]`;
  } else {
    const writer = new SeriesWriter();
    text += '[';
    for (let i = 0; i < result.value.length; i++) {
      if (i > 0) text += ',';
      text +=
        result.type === 'vector'
          ? writer.sample(result.value[i]!, result.timestampMs)
          : writer.series(result.value[i]!);
      if (text.length < PIECE_CHARACTERS) continue;
      yield text;
      text = '';
      await yielder();
    }
    text += ']';
  }
  if (extra.stats !== undefined) text += `,"stats":${extra.stats}`;
  if (extra.plan !== undefined) text += `,"plan":${extra.plan}`;
  yield `${text}}${notes('warnings', [...result.warnings, ...extra.warnings])}${notes('infos', result.infos)}}`;
}

/** An answer whose data is plain. */
export function dataResponse(data: unknown, warnings: readonly string[] = []): string {
  return `{"status":"success","data":${jsonText(data)}${notes('warnings', warnings)}}`;
}

function notes(name: string, texts: readonly string[]): string {
  return texts.length === 0 ? '' : `,"${name}":${jsonText(texts)}`;
}

class SeriesWriter {
  readonly #points = pointsWriter();
  #timeMs = Number.NaN;
  #time = '';

  sample({ labels, value, histogram }: VectorSample, timestampMs: number): string {
    if (timestampMs !== this.#timeMs) {
      this.#timeMs = timestampMs;
      this.#time = formatTime(timestampMs);
    }
    if (histogram !== undefined) {
      return `{"metric":${labelsJson(labels)},"histogram":[${this.#time},${histogramJson(histogram)}]}`;
    }
    return `{"metric":${labelsJson(labels)},"value":[${this.#time},"${formatValue(value)}"]}`;
  }

  series({ labels, timestamps, values, histograms }: MatrixSeries): string {
    if (histograms !== undefined) return this.#mixedSeries(labels, timestamps, values, histograms);
    return `{"metric":${labelsJson(labels)},"values":[${this.#points(timestamps, values)}]}`;
  }

  /** Floats and histograms go into lists of their own. */
  #mixedSeries(
    labels: Labels,
    timestamps: Float64Array,
    values: Float64Array,
    histograms: NonNullable<MatrixSeries['histograms']>,
  ): string {
    const floats: string[] = [];
    const others: string[] = [];
    for (let i = 0; i < values.length; i++) {
      const time = formatTime(timestamps[i]!);
      const histogram = histograms[i];
      if (histogram === undefined) floats.push(`[${time},"${formatValue(values[i]!)}"]`);
      else others.push(`[${time},${histogramJson(histogram)}]`);
    }
    let text = `{"metric":${labelsJson(labels)}`;
    if (floats.length > 0) text += `,"values":[${floats.join(',')}]`;
    if (others.length > 0) text += `,"histograms":[${others.join(',')}]`;
    return `${text}}`;
  }
}

/** `{"name":"value",…}` */
export function labelsJson(labels: Labels): string {
  if (labels.length === 0) return '{}';
  let text = `{${quoted(labels[0]!)}:${quoted(labels[1]!)}`;
  for (let i = 2; i < labels.length; i += 2) text += `,${quoted(labels[i]!)}:${quoted(labels[i + 1]!)}`;
  return `${text}}`;
}

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
