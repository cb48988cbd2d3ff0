import { formatFloat, type Labels, type MatrixSeries, type QueryResult, type VectorSample } from '@opendata/promql';
import type { FastifyReply } from 'fastify';
import { createYielder } from '../head/yielder.ts';
import { formatTime, formatValue } from './json-numbers.ts';

/** Text is handed on in pieces of about this many characters. */
const PIECE_CHARACTERS = 128 * 1024;

/** Sends a complete JSON text; as bytes, so that the type goes out as it is. */
export function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json').send(Buffer.from(text));
}

/** The API's envelope around an answer, in pieces; gives the event loop its turns. */
export async function* writeQueryResponse(result: QueryResult, warnings: readonly string[]): AsyncGenerator<string> {
  const yielder = createYielder();
  let text = `{"status":"success","data":{"resultType":"${result.type}","result":`;
  if (result.type === 'scalar') {
    // Prometheus writes scalars and strings through Go's plain JSON encoder: no exponent, no padding of the time.
    text += `[${result.timestampMs / 1000},"${formatFloat(result.value)}"]`;
  } else if (result.type === 'string') {
    text += `[${result.timestampMs / 1000},${JSON.stringify(result.value)}]`;
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
  yield `${text}}${notes('warnings', [...result.warnings, ...warnings])}${notes('infos', result.infos)}}`;
}

/** An answer whose data is plain. */
export function dataResponse(data: unknown, warnings: readonly string[] = []): string {
  return `{"status":"success","data":${JSON.stringify(data)}${notes('warnings', warnings)}}`;
}

function notes(name: string, texts: readonly string[]): string {
  return texts.length === 0 ? '' : `,"${name}":${JSON.stringify(texts)}`;
}

class SeriesWriter {
  /** `[time,"` of every point of the column written last: series of one answer mostly share their times. */
  #timestamps: Float64Array | undefined;
  #prefixes: string[] = [];

  sample({ labels, value }: VectorSample, timestampMs: number): string {
    return `{"metric":${labelsJson(labels)},"value":[${formatTime(timestampMs)},"${formatValue(value)}"]}`;
  }

  series({ labels, timestamps, values }: MatrixSeries): string {
    if (timestamps !== this.#timestamps) {
      this.#timestamps = timestamps;
      this.#prefixes = Array.from(timestamps, (timestamp) => `[${formatTime(timestamp)},"`);
    }
    const prefixes = this.#prefixes;
    let text = `{"metric":${labelsJson(labels)},"values":[`;
    for (let i = 0; i < values.length; i++) {
      text += i === 0 ? prefixes[0]! : `,${prefixes[i]!}`;
      text += formatValue(values[i]!);
      text += '"]';
    }
    return `${text}]}`;
  }
}

/** `{"name":"value",…}` */
export function labelsJson(labels: Labels): string {
  let text = '{';
  for (let i = 0; i < labels.length; i += 2) {
    text += `${i === 0 ? '' : ','}${JSON.stringify(labels[i])}:${JSON.stringify(labels[i + 1])}`;
  }
  return `${text}}`;
}
