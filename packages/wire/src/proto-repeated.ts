import { malformed } from './errors.ts';
import {
  enterMessage,
  leaveMessage,
  type ProtoReader,
  readDouble,
  readDoubleRaw,
  readSint64,
  readSint64Raw,
  WIRE_BYTES,
} from './proto-reader.ts';

/** Adds one double, or a packed field of them. @throws WireError malformed */
export function readDoubles(reader: ProtoReader, into: number[]): void {
  if (reader.wire !== WIRE_BYTES) {
    into.push(readDouble(reader));
    return;
  }
  const outerEnd = enterMessage(reader);
  if ((reader.end - reader.at) % 8 !== 0) throw malformed('packed doubles of a length that is not of 8 bytes');
  while (reader.at < reader.end) into.push(readDoubleRaw(reader));
  leaveMessage(reader, outerEnd);
}

/** Adds one sint64, or a packed field of them. @throws WireError malformed, unsupported beyond 2^53 */
export function readSint64s(reader: ProtoReader, into: number[]): void {
  if (reader.wire !== WIRE_BYTES) {
    into.push(readSint64(reader));
    return;
  }
  const outerEnd = enterMessage(reader);
  while (reader.at < reader.end) into.push(readSint64Raw(reader));
  leaveMessage(reader, outerEnd);
}
