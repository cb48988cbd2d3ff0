import type { AttributeColumn } from './log-attributes.ts';

/** Records to append, as byte ranges of one buffer. The arrays are longer than what they hold. */
export interface AppendColumns {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly keyStart: Uint32Array;
  readonly keyEnd: Uint32Array;
  readonly valueStart: Uint32Array;
  readonly valueEnd: Uint32Array;
  /** Undefined when no record has any. */
  readonly attributes?: AttributeColumn | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function createAppendColumns(bytes: Uint8Array): Mutable<AppendColumns> {
  return {
    bytes,
    count: 0,
    keyStart: new Uint32Array(16),
    keyEnd: new Uint32Array(16),
    valueStart: new Uint32Array(16),
    valueEnd: new Uint32Array(16),
  };
}

export function addRecord(
  columns: Mutable<AppendColumns>,
  keyStart: number,
  keyEnd: number,
  valueStart: number,
  valueEnd: number,
): void {
  const i = columns.count++;
  if (i === columns.keyStart.length) {
    columns.keyStart = doubled(columns.keyStart);
    columns.keyEnd = doubled(columns.keyEnd);
    columns.valueStart = doubled(columns.valueStart);
    columns.valueEnd = doubled(columns.valueEnd);
  }
  columns.keyStart[i] = keyStart;
  columns.keyEnd[i] = keyEnd;
  columns.valueStart[i] = valueStart;
  columns.valueEnd[i] = valueEnd;
}

function doubled(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
