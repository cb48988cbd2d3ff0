import { extrapolationOf, hasResets } from './rate.ts';
import { RATE_SUMS_KERNEL } from './rate-sums-kernel.ts';
import type { Windows } from './windows.ts';

/** As many pages as wasm/build.mjs says; what is not touched takes no memory. */
const MEMORY_BYTES = 256 * 65_536;
/** Longer columns are none for the kernel. */
const MAX_VALUES = 65_536;
const VALUES_START = 65_536;
const ROOM_START = VALUES_START + MAX_VALUES * 8;
/** Bytes of a plan by step. */
const PLAN_STEP_BYTES = 2 * 4 + 5 * 8;
/** With fewer steps there is nothing to win. */
const MIN_STEPS = 16;
const MAX_IDLE = 2;

interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  addRates(
    plan: number,
    length: number,
    values: number,
    sums: number,
    from: number,
    to: number,
    perSeconds: number,
  ): void;
}

/** The part of WebAssembly's API that is used. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

let compiled: object | undefined;
const idle: KernelExports[] = [];

function kernelOf(): KernelExports | undefined {
  const known = idle.pop();
  if (known !== undefined) return known;
  try {
    const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
    compiled ??= new Module(Uint8Array.from(atob(RATE_SUMS_KERNEL), (char) => char.charCodeAt(0)));
    return new Instance(compiled).exports as KernelExports;
  } catch {
    return undefined;
  }
}

/** Where sums of a group are: their values, and what their additions lost. */
export interface SumColumns {
  readonly sums: Float64Array;
  readonly losses: Float64Array;
}

/**
 * Sums of rates in the memory of a WebAssembly kernel, which computes two steps at once and keeps no rates: for counters
 * without resets that share their times with others. To be given back with `close`.
 */
export class RateSums {
  readonly #kernel: KernelExports;
  readonly #steps: number;
  /** Even, so that columns are aligned. */
  readonly #length: number;
  readonly #values: Float64Array;
  readonly #plans = new Map<Windows, Plan | undefined>();
  readonly #columns = new Map<SumColumns, number>();
  #at = ROOM_START;
  #latestWindows: Windows | undefined;
  #latest: Plan | undefined;

  private constructor(kernel: KernelExports, steps: number) {
    this.#kernel = kernel;
    this.#steps = steps;
    this.#length = steps + (steps % 2);
    this.#values = new Float64Array(kernel.memory.buffer, VALUES_START, MAX_VALUES);
  }

  /** Undefined where it is not worth it, or cannot be had. */
  static open(steps: number): RateSums | undefined {
    const kernel = steps < MIN_STEPS ? undefined : kernelOf();
    return kernel && new RateSums(kernel, steps);
  }

  /** The columns must not be used any more. */
  close(): void {
    if (idle.length < MAX_IDLE) idle.push(this.#kernel);
  }

  /** Columns of zeros that `add` can be called with; undefined where there is no room. */
  columns(): SumColumns | undefined {
    const start = this.#take(this.#length * 16);
    if (start === undefined) return undefined;
    const { buffer } = this.#kernel.memory;
    const columns = {
      sums: new Float64Array(buffer, start, this.#steps).fill(0),
      losses: new Float64Array(buffer, start + this.#length * 8, this.#steps).fill(0),
    };
    this.#columns.set(columns, start);
    return columns;
  }

  /**
   * Adds the rate, or the increase, at the steps that have one.
   * @param ascending no value is NaN or below the one before
   * @returns what steps these are, or undefined where that is to be done otherwise
   */
  add(
    columns: SumColumns,
    values: Float64Array,
    windows: Windows,
    isRate: boolean,
    ascending: boolean,
  ): Steps | undefined {
    if (windows.single || values.length > MAX_VALUES) return undefined;
    const plan = this.#planOf(windows, isRate);
    const start = this.#columns.get(columns);
    if (plan === undefined || start === undefined) return undefined;
    if (!ascending && hasResets(values, windows)) return undefined;
    this.#values.set(values);
    const perSeconds = isRate ? windows.rangeMs / 1000 : 1;
    this.#kernel.addRates(plan.start, this.#length, VALUES_START, start, plan.from, plan.to, perSeconds);
    return plan;
  }

  #planOf(windows: Windows, isRate: boolean): Plan | undefined {
    if (windows === this.#latestWindows) return this.#latest;
    let plan = this.#plans.get(windows);
    if (plan === undefined && !this.#plans.has(windows)) {
      plan = this.#load(windows, isRate);
      this.#plans.set(windows, plan);
    }
    this.#latestWindows = windows;
    this.#latest = plan;
    return plan;
  }

  #load(windows: Windows, isRate: boolean): Plan | undefined {
    const { first, last, from, to, isOneStretch } = windows;
    if (!isOneStretch) return undefined;
    const start = this.#take(this.#length * PLAN_STEP_BYTES);
    if (start === undefined) return undefined;
    const { buffer } = this.#kernel.memory;
    const length = this.#length;
    const firsts = new Uint32Array(buffer, start, length);
    const lasts = new Uint32Array(buffer, start + length * 4, length);
    for (let step = from; step < to; step++) {
      firsts[step] = first[step]! * 8;
      lasts[step] = (last[step]! - 1) * 8;
    }
    const { factor, factorPerSecond, cutRatio, sampledS, toStartS, toEndS } = extrapolationOf(windows);
    const columns = [isRate ? factorPerSecond : factor, cutRatio, sampledS, toStartS, toEndS];
    for (const [i, column] of columns.entries()) {
      new Float64Array(buffer, start + length * (8 + i * 8), this.#steps).set(column);
    }
    return { start, from, to };
  }

  #take(bytes: number): number | undefined {
    if (this.#at + bytes > MEMORY_BYTES) return undefined;
    this.#at += bytes;
    return this.#at - bytes;
  }
}

/** Steps in [from, to). */
export interface Steps {
  readonly from: number;
  readonly to: number;
}

interface Plan extends Steps {
  readonly start: number;
}
