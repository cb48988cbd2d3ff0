import { Buffer } from 'node:buffer';
import { malformed, WireError } from './errors.ts';
import type { AppendColumns } from './log-append-columns.ts';
import { appendRequestSize, putAppendRequest } from './log-append-encode.ts';
import {
  createProtoReader,
  nextField,
  readBool,
  readString,
  readUint32,
  readUint64,
  skipField,
} from './proto-reader.ts';
import {
  beginMessage,
  createProtoWriter,
  endMessage,
  putVarint,
  varintSize,
  writeStringField,
  writeUint64Field,
  writtenBytes,
} from './proto-writer.ts';

/** Media type of both directions of an append session: protobuf messages, each after its length as a varint. */
export const LOG_SESSION_CONTENT_TYPE = 'application/protobuf; encoding=delimited';

/** What a session says of the next `frames` requests that are not acknowledged yet. */
export interface SessionAck {
  readonly frames: number;
  /** Sequence of the first record; those of all these frames follow one another. */
  readonly startSequence: number;
  readonly recordsAppended: number;
  /** 0 when the records are appended, else what HTTP would answer; nothing of these frames is in the log then, except with 503. */
  readonly status: number;
  readonly message: string;
  /** The session takes nothing that was sent after these frames. */
  readonly closed: boolean;
}

const accepted = { startSequence: 0, recordsAppended: 0, status: 0, message: '', closed: false };

/** Encodes acknowledgements, each after its length. */
export function encodeSessionAcks(acks: readonly (Partial<SessionAck> & { readonly frames: number })[]): Uint8Array {
  const writer = createProtoWriter(32 * acks.length);
  for (const ack of acks) {
    const { frames, startSequence, recordsAppended, status, message, closed } = { ...accepted, ...ack };
    // A tag is taken back: an acknowledgement has its length before it and nothing else.
    const mark = beginMessage(writer, 1);
    if (frames !== 0) writeUint64Field(writer, 1, frames);
    if (startSequence !== 0) writeUint64Field(writer, 2, startSequence);
    if (recordsAppended !== 0) writeUint64Field(writer, 3, recordsAppended);
    if (status !== 0) writeUint64Field(writer, 4, status);
    if (message !== '') writeStringField(writer, 5, message);
    if (closed) writeUint64Field(writer, 6, 1);
    endMessage(writer, mark);
    writer.bytes.copyWithin(mark - 1, mark, writer.at);
    writer.at--;
  }
  return writtenBytes(writer);
}

/** Decodes the acknowledgement in `bytes[start, end)`. @throws WireError malformed */
export function decodeSessionAck(bytes: Uint8Array, start: number, end: number): SessionAck {
  const reader = createProtoReader(bytes, start, end);
  const ack = { frames: 0, ...accepted };
  while (nextField(reader)) {
    if (reader.field === 1) ack.frames = readUint32(reader);
    else if (reader.field === 2) ack.startSequence = readUint64(reader);
    else if (reader.field === 3) ack.recordsAppended = readUint32(reader);
    else if (reader.field === 4) ack.status = readUint32(reader);
    else if (reader.field === 5) ack.message = readString(reader);
    else if (reader.field === 6) ack.closed = readBool(reader);
    else skipField(reader);
  }
  return ack;
}

/** An append request as a frame of a session: its length and the message. */
export function encodeAppendFrame(records: AppendColumns, awaitDurable: boolean): Uint8Array {
  const size = appendRequestSize(records, awaitDurable);
  const out = Buffer.allocUnsafe(varintSize(size) + size);
  putAppendRequest(out, putVarint(out, 0, size), records, awaitDurable);
  return out;
}

/**
 * Cuts a stream of bytes into its messages. Push what arrives, then call `next` until it answers false; the message is
 * `bytes[start, end)`, which nobody overwrites.
 */
export class FrameReader {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  private readonly maxFrameBytes: number;
  private chunks: Uint8Array[] = [];
  private chunkBytes = 0;
  /** Bytes that must be there before it is worth looking again. */
  private needed = 1;

  constructor(maxFrameBytes: number) {
    this.maxFrameBytes = maxFrameBytes;
  }

  /** Bytes that were pushed and are not part of a message yet. */
  get pendingBytes(): number {
    return this.bytes.length - this.end + this.chunkBytes;
  }

  push(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.chunkBytes += chunk.length;
  }

  /** Steps to the next whole message. @throws WireError too_large, malformed: the stream cannot be read on */
  next(): boolean {
    if (this.chunkBytes > 0 && this.pendingBytes >= this.needed) this.join();
    let length = 0;
    let scale = 1;
    let at = this.end;
    for (;;) {
      if (at >= this.bytes.length) return this.wait(at - this.end + 1);
      const byte = this.bytes[at++]!;
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
      if (scale > 2 ** 35) throw malformed('the length of a frame is not a varint of 32 bits');
    }
    if (length > this.maxFrameBytes) {
      throw new WireError('too_large', `a frame has ${length} bytes, at most ${this.maxFrameBytes} are taken`);
    }
    if (this.bytes.length - at < length) return this.wait(at - this.end + length);
    this.start = at;
    this.end = at + length;
    this.needed = 1;
    return true;
  }

  private wait(needed: number): false {
    this.needed = needed;
    return false;
  }

  private join(): void {
    const rest = this.bytes.subarray(this.end);
    this.bytes =
      rest.length === 0 && this.chunks.length === 1
        ? this.chunks[0]!
        : Buffer.concat([rest, ...this.chunks], rest.length + this.chunkBytes);
    this.end = 0;
    this.chunks = [];
    this.chunkBytes = 0;
  }
}
