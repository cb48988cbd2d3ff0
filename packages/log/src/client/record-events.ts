import { Buffer } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import { LogClientError } from './errors.ts';
import type { Page } from './log-port.ts';
import type { ReadRecord } from './records.ts';

interface EventRecord {
  readonly sequence: number;
  readonly key: string;
  readonly value: string;
  readonly arrivalTimeMs?: number;
  readonly timestampMs?: number;
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
}

const eventEnd = '\n\n';

/** Pages of the records that came together, from Server-Sent Events of a log. @throws LogClientError protocol */
export async function* recordEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Page> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    const searched = Math.max(0, rest.length - 1);
    rest += decoder.write(chunk as Buffer);
    if (!rest.includes(eventEnd, searched)) continue;
    const events = rest.split(eventEnd);
    rest = events.pop()!;
    yield pageOf(events);
  }
}

function pageOf(events: readonly string[]): Page {
  const records: ReadRecord[] = [];
  let nextSequence = 0;
  for (const event of events) {
    for (const line of event.split('\n')) {
      if (line.startsWith('data:')) records.push(recordOf(line.slice('data:'.length)));
      else if (line.startsWith('id:')) nextSequence = sequenceOf(line) + 1;
    }
  }
  return { records, nextSequence };
}

function sequenceOf(line: string): number {
  const sequence = Number(line.slice('id:'.length));
  if (Number.isSafeInteger(sequence)) return sequence;
  throw new LogClientError('protocol', `the id of an event is not a sequence: ${line.slice(0, 64)}`);
}

function recordOf(json: string): ReadRecord {
  try {
    const { sequence, key, value, arrivalTimeMs = 0, timestampMs, headers } = JSON.parse(json) as EventRecord;
    return {
      sequence,
      key: Buffer.from(key, 'base64'),
      value: Buffer.from(value, 'base64'),
      arrivalTimeMs,
      ...(timestampMs !== undefined && { timestampMs }),
      ...(headers !== undefined && {
        headers: headers.map((header) => ({ name: header.name, value: Buffer.from(header.value, 'base64') })),
      }),
    };
  } catch (cause) {
    throw new LogClientError('protocol', `an event is not a record: ${(cause as Error).message}`, { cause });
  }
}
