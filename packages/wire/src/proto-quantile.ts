import { enterMessage, leaveMessage, nextField, type ProtoReader, readDouble, skipField } from './proto-reader.ts';

export interface ProtoQuantile {
  readonly quantile: number;
  readonly value: number;
}

/** A quantile of a summary, the same message in Prometheus' exposition and in OTLP. */
export function readQuantile(reader: ProtoReader): ProtoQuantile {
  const outerEnd = enterMessage(reader);
  let quantile = 0;
  let value = 0;
  while (nextField(reader)) {
    if (reader.field === 1) quantile = readDouble(reader);
    else if (reader.field === 2) value = readDouble(reader);
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
  return { quantile, value };
}
