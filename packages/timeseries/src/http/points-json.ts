import { FLOATS_KERNEL } from './floats-kernel.ts';
import { formatTime, formatValue } from './json-numbers.ts';

/** Points that the kernel prints in one call. */
const BATCH_POINTS = 2048;
/** Where things lie in the kernel's memory: its table of powers, values, ends of the prefixes, prefixes, text. */
const VALUES = 12_288;
const ENDS = VALUES + BATCH_POINTS * 8;
const PREFIXES = ENDS + BATCH_POINTS * 4;
const MAX_PREFIX_BYTES = 24;
const TEXT = PREFIXES + BATCH_POINTS * MAX_PREFIX_BYTES + 8;

const MIN_POWER = -292;
const MAX_POWER = 324;

interface FloatsKernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  points(values: number, count: number, ends: number, prefixes: number, at: number): number;
}

/** The part of WebAssembly's API that is used; Node's type declarations have none of it. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** Writes the points of a series: `[time,"value"],…`. */
export type PointsWriter = (timestamps: Float64Array, values: Float64Array) => string;

/** `,[time,"` of every point of a batch. */
interface Prefixes {
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}

/** Writes points as text; the twin of the kernel's. */
export function createTextPointsWriter(): PointsWriter {
  let column: Float64Array | undefined;
  let prefixes: string[] = [];
  return (timestamps, values) => {
    if (timestamps !== column) {
      column = timestamps;
      prefixes = Array.from(timestamps, (timestamp) => `[${formatTime(timestamp)},"`);
    }
    let text = '';
    for (let i = 0; i < values.length; i++) {
      text += i === 0 ? prefixes[0]! : `,${prefixes[i]!}`;
      text += formatValue(values[i]!);
      text += '"]';
    }
    return text;
  };
}

/** Prints points by a WebAssembly kernel, in a fraction of the time that JavaScript takes to print a number. */
function createKernelPointsWriter(): PointsWriter {
  const kernel = instantiate();
  const { buffer } = kernel.memory;
  const memory = Buffer.from(buffer);
  const valuesInMemory = new Float64Array(buffer, VALUES, BATCH_POINTS);
  const endsInMemory = new Uint32Array(buffer, ENDS, BATCH_POINTS);
  let column: Float64Array | undefined;
  let batches: Prefixes[] = [];
  let loaded: Prefixes | undefined;
  return (timestamps, values) => {
    if (timestamps !== column) {
      column = timestamps;
      batches = [];
    }
    let text = '';
    for (let from = 0; from < values.length; from += BATCH_POINTS) {
      const count = Math.min(BATCH_POINTS, values.length - from);
      const batch = (batches[from / BATCH_POINTS] ??= prefixesOf(timestamps, from, count));
      if (batch !== loaded) {
        endsInMemory.set(batch.ends);
        memory.set(batch.bytes, PREFIXES);
        loaded = batch;
      }
      valuesInMemory.set(count === values.length ? values : values.subarray(from, from + count));
      const end = kernel.points(VALUES, count, ENDS, PREFIXES, TEXT);
      text += memory.toString('latin1', from === 0 ? TEXT + 1 : TEXT, end);
    }
    return text;
  };
}

function prefixesOf(timestamps: Float64Array, from: number, count: number): Prefixes {
  const ends = new Uint32Array(count);
  let text = '';
  for (let i = 0; i < count; i++) {
    text += `,[${formatTime(timestamps[from + i]!)},"`;
    ends[i] = text.length;
  }
  return { ends, bytes: Buffer.from(text, 'latin1') };
}

/** The kernel with its table of powers of ten. @throws Error where there is no WebAssembly */
function instantiate(): FloatsKernel {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  const kernel = new Instance(new Module(Buffer.from(FLOATS_KERNEL, 'base64'))).exports as FloatsKernel;
  const view = new DataView(kernel.memory.buffer);
  for (let power = MIN_POWER; power <= MAX_POWER; power++) {
    const bits = powerOfTen(power);
    const entry = (power - MIN_POWER) * 16;
    view.setBigUint64(entry, BigInt.asUintN(64, bits), true);
    view.setBigUint64(entry + 8, bits >> 64n, true);
  }
  return kernel;
}

/** The power times the power of two that makes it 128 bits long, rounded up. */
function powerOfTen(power: number): bigint {
  const shift = BigInt(((power * 1_741_647) >> 19) - 127);
  const numerator = (power >= 0 ? 10n ** BigInt(power) : 1n) << (shift < 0n ? -shift : 0n);
  const denominator = (power < 0 ? 10n ** BigInt(-power) : 1n) << (shift > 0n ? shift : 0n);
  return (numerator + denominator - 1n) / denominator;
}

let shared: PointsWriter | undefined;

/** The fastest writer that can be had. */
export function pointsWriter(): PointsWriter {
  if (shared === undefined) {
    try {
      shared = createKernelPointsWriter();
    } catch {
      shared = createTextPointsWriter();
    }
  }
  return shared;
}
