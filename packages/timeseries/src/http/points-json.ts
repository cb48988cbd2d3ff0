import { FLOATS_KERNEL } from './floats-kernel.ts';
import type { JsonBytes } from './json-bytes.ts';
import { formatTime, formatValue } from './json-numbers.ts';

/** Points that are printed at once. */
export const POINTS_PER_BATCH = 2048;
/** Where things lie in the kernel's memory: its table of powers, values, ends of the prefixes, prefixes, text. */
const VALUES = 12_288;
const ENDS = VALUES + POINTS_PER_BATCH * 8;
const PREFIXES = ENDS + POINTS_PER_BATCH * 4;
const MAX_PREFIX_BYTES = 24;
const TEXT = PREFIXES + POINTS_PER_BATCH * MAX_PREFIX_BYTES + 8;

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

/** Writes the points `[time,"value"],…` of one batch of a series: `from` is a multiple of `POINTS_PER_BATCH`. */
export type PointsWriter = (out: JsonBytes, timestamps: Float64Array, values: Float64Array, from: number) => void;

/** `,[time,"` of every point of a batch. */
interface Prefixes {
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}

/** Writes points as text; the twin of the kernel's. */
export function createTextPointsWriter(): PointsWriter {
  return (out, timestamps, values, from) => {
    const to = Math.min(values.length, from + POINTS_PER_BATCH);
    let text = '';
    for (let i = from; i < to; i++) {
      text += `${i === 0 ? '' : ','}[${formatTime(timestamps[i]!)},"${formatValue(values[i]!)}"]`;
    }
    out.text(text);
  };
}

/** Prints points by a WebAssembly kernel, in a fraction of the time that JavaScript takes to print a number. */
function createKernelPointsWriter(): PointsWriter {
  const kernel = instantiate();
  const { buffer } = kernel.memory;
  const memory = Buffer.from(buffer);
  const valuesInMemory = new Float64Array(buffer, VALUES, POINTS_PER_BATCH);
  const endsInMemory = new Uint32Array(buffer, ENDS, POINTS_PER_BATCH);
  /** By time column: the series of an answer share one, and answers over the same steps do. */
  const batchesOf = new WeakMap<Float64Array, Prefixes[]>();
  let column: Float64Array | undefined;
  let batches: Prefixes[] = [];
  let loaded: Prefixes | undefined;
  return (out, timestamps, values, from) => {
    if (timestamps !== column) {
      column = timestamps;
      const known = batchesOf.get(timestamps);
      batches = known ?? [];
      if (known === undefined) batchesOf.set(timestamps, batches);
    }
    const count = Math.min(POINTS_PER_BATCH, values.length - from);
    if (count <= 0) return;
    const batch = (batches[from / POINTS_PER_BATCH] ??= prefixesOf(timestamps, from, count));
    if (batch !== loaded) {
      endsInMemory.set(batch.ends);
      memory.set(batch.bytes, PREFIXES);
      loaded = batch;
    }
    valuesInMemory.set(count === values.length ? values : values.subarray(from, from + count));
    const end = kernel.points(VALUES, count, ENDS, PREFIXES, TEXT);
    // Each prefix begins with a comma, which the first point has not.
    out.copy(memory, from === 0 ? TEXT + 1 : TEXT, end);
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
