import { type AttributeBuilder, addAttributes, createAttributeBuilder, finishAttributes } from '@opendata/wire';
import type { AppendColumns, AppendRecord } from './model.ts';

/** Lays records out behind one another in one buffer. */
export function columnsOf(records: readonly AppendRecord[]): AppendColumns {
  let length = 0;
  for (const { key, value } of records) length += key.length + value.length;
  const bytes = Buffer.allocUnsafe(length);
  const count = records.length;
  const bounds = new Uint32Array(count * 4);
  const keyStart = bounds.subarray(0, count);
  const keyEnd = bounds.subarray(count, count * 2);
  const valueStart = bounds.subarray(count * 2, count * 3);
  const valueEnd = bounds.subarray(count * 3);
  let offset = 0;
  let builder: AttributeBuilder | undefined;
  records.forEach(({ key, value, timestampMs, headers }, i) => {
    if (timestampMs !== undefined || headers !== undefined) {
      addAttributes((builder ??= createAttributeBuilder()), i, { timestampMs, headers });
    }
    bytes.set(key, offset);
    keyStart[i] = offset;
    offset += key.length;
    keyEnd[i] = offset;
    bytes.set(value, offset);
    valueStart[i] = offset;
    offset += value.length;
    valueEnd[i] = offset;
  });
  const attributes = finishAttributes(builder, count);
  return { bytes, count, keyStart, keyEnd, valueStart, valueEnd, attributes };
}
