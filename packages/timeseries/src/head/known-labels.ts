import { Buffer } from 'node:buffer';
import type { KernelArena } from './kernel-arena.ts';
import type { LabelRange } from './label-bytes.ts';
import { LABEL_RUNS_KERNEL } from './label-runs-kernel.ts';

/** Where things lie in the kernel's memory, as in wasm/label-runs.as. */
const SLOTS = 3 * 65_536;
const SLOT_BYTES = 272;
const SLOT_COUNT = 4096;
const SLOT_PAIR = 4;
const SLOT_FLAGS = 8;
const SLOT_NAME_START = 9;
const SLOT_NAME_LENGTH = 10;
const SLOT_LABEL = 16;
const RUN = SLOTS + SLOT_BYTES * SLOT_COUNT;
const RUN_WORDS = 5;
const COUNT_WORD = 0;
const VALUE_COUNT_WORD = 1;
const ALL_FLAGS_WORD = 2;
const ANY_FLAGS_WORD = 3;
const ASCENDING_WORD = 4;
const PAIRS = RUN + 64;
const MAX_LABELS = 1024;
const MIN_LABEL_BYTES = 8;
const MAX_LABEL_BYTES = 255;
/** Modes of the kernel's `read`. */
const BEGIN = 1;
const NEEDS_PAIRS = 2;

/** Flags of a label: it has no value; name and value in this order, in the shortest encoding; its name is __name__. */
export const EMPTY = 1;
export const PLAIN = 2;
export const METRIC = 4;

interface LabelRunsKernel {
  slotOf(at: number, size: number): number;
  read(at: number, end: number, mode: number): number;
}

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

/**
 * Labels that came lately, by their bytes, in the memory of a WebAssembly kernel that reads runs of them: neighbours
 * share most of their labels, and what is known of a label need not be looked up again. Each label has one place of
 * 4,096, which the next one of that place takes.
 */
export class KnownLabels {
  readonly #arena: KernelArena;
  readonly #kernel: LabelRunsKernel;
  #view: DataView;
  #words: Uint32Array;
  #pairs: Int32Array;
  #buffer: ArrayBuffer;

  /** @throws Error where there is no WebAssembly */
  constructor(arena: KernelArena) {
    const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
    const module = new Module(Buffer.from(LABEL_RUNS_KERNEL, 'base64'));
    const { memory } = arena;
    this.#kernel = new Instance(module, { env: { memory } }).exports as LabelRunsKernel;
    this.#arena = arena;
    this.#buffer = arena.buffer;
    this.#view = new DataView(this.#buffer);
    this.#words = new Uint32Array(this.#buffer, RUN, RUN_WORDS);
    this.#pairs = new Int32Array(this.#buffer, PAIRS, MAX_LABELS);
  }

  /** Labels of the run that were read, 1,024 at most. */
  get count(): number {
    return this.#words[COUNT_WORD]!;
  }

  get valueCount(): number {
    return this.#words[VALUE_COUNT_WORD]!;
  }

  /** Flags that all labels of the run have. */
  get allFlags(): number {
    return this.#words[ALL_FLAGS_WORD]!;
  }

  /** Flags that one of the labels with a value has. */
  get anyFlags(): number {
    return this.#words[ANY_FLAGS_WORD]!;
  }

  get isAscending(): boolean {
    return this.#words[ASCENDING_WORD] === 1;
  }

  /** Pairs of the run's labels; -1 where they are not interned, or have no value. Valid until the next run. */
  get pairs(): Int32Array {
    return this.#pairs;
  }

  /** True where the view's bytes can be read here. */
  has(view: DataView): boolean {
    return view.buffer === this.#arena.buffer;
  }

  /**
   * Begins to read a run, and reads as long as its labels are known.
   * @param needsPairs whether to stop at labels whose pair is not known
   * @returns where the first label begins that was not read, or `end`
   */
  begin(view: DataView, at: number, end: number, needsPairs: boolean): number {
    this.#attach();
    const base = view.byteOffset;
    return this.#kernel.read(base + at, base + end, needsPairs ? BEGIN | NEEDS_PAIRS : BEGIN) - base;
  }

  /** Reads on in a run, as `begin` does. */
  read(view: DataView, at: number, end: number, needsPairs: boolean): number {
    const base = view.byteOffset;
    return this.#kernel.read(base + at, base + end, needsPairs ? NEEDS_PAIRS : 0) - base;
  }

  /** The memory may have moved. */
  #attach(): void {
    const { buffer } = this.#arena;
    if (this.#buffer === buffer) return;
    this.#buffer = buffer;
    this.#view = new DataView(buffer);
    this.#words = new Uint32Array(buffer, RUN, RUN_WORDS);
    this.#pairs = new Int32Array(buffer, PAIRS, MAX_LABELS);
  }

  /** Takes the label at `at`. @returns false where it is too long or too short to be kept */
  add(view: DataView, at: number, range: LabelRange, pair: number, flags: number): boolean {
    const size = range.next - at;
    if (size < MIN_LABEL_BYTES || size > MAX_LABEL_BYTES) return false;
    const from = view.byteOffset + at;
    const slot = this.#kernel.slotOf(from, size);
    const memory = this.#view;
    memory.setUint32(slot, size, true);
    memory.setInt32(slot + SLOT_PAIR, pair, true);
    memory.setUint8(slot + SLOT_FLAGS, flags);
    memory.setUint8(slot + SLOT_NAME_START, range.nameStart - at);
    memory.setUint8(slot + SLOT_NAME_LENGTH, range.nameEnd - range.nameStart);
    this.#arena.copy(from, size, slot + SLOT_LABEL);
    return true;
  }

  /** To be called before pairs are removed. */
  forget(): void {
    this.#attach();
    for (let slot = 0; slot < SLOT_COUNT; slot++) this.#view.setUint32(SLOTS + slot * SLOT_BYTES, 0, true);
  }
}
