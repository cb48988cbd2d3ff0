import { discardMemory } from '@opendata/storage';
import { type ChunkMemory, createChunkMemory } from './chunk-memory.ts';

/** Samples of one chunk. */
export const CHUNK_SAMPLES = 16;
const CHUNK_SAMPLE_BITS = 4;
/** Chunks of one segment. */
const SEGMENT_CHUNK_BITS = 12;
const SEGMENT_CHUNKS = 1 << SEGMENT_CHUNK_BITS;
const SEGMENT_SAMPLES = SEGMENT_CHUNKS * CHUNK_SAMPLES;
const BYTES_PER_CHUNK = CHUNK_SAMPLES * (4 + 8) + 4;
const SEGMENT_BYTES = SEGMENT_CHUNKS * BYTES_PER_CHUNK;

/**
 * Room for samples: chunks of 16 columns entries (time offset, value) in segments of typed arrays, linked by number.
 * All windows share one pool, so that a window with three samples costs three chunks and a dropped window's room
 * serves the next. Chunk 0 is never handed out: 0 means none. The segments are in the memory of a WebAssembly kernel,
 * as long as there is one and room in it. Its arrays are made anew whenever it grows: keep none of them. A segment
 * without a chunk in use takes no memory but that of its links.
 */
export class ChunkPool {
  /** Milliseconds from the start of the window; sample `s` of chunk `c` is at `(c & chunkMask) * 16 + s`. */
  readonly offsets: Int32Array[] = [];
  readonly values: Float64Array[] = [];
  readonly #links: Uint32Array[] = [];
  /** Chunks in use by segment. */
  readonly #usedOf: number[] = [];
  #memory = createChunkMemory(SEGMENT_BYTES);
  #firstFree = 0;
  #fresh = 1;
  #used = 0;

  get usedChunks(): number {
    return this.#used;
  }

  /** Bytes of the chunks in use. */
  get usedBytes(): number {
    return this.#used * BYTES_PER_CHUNK;
  }

  /** Bytes of all segments, free chunks included. */
  get allocatedBytes(): number {
    return this.offsets.length * SEGMENT_BYTES;
  }

  /** The kernel that has all chunks in its memory, where there is one. */
  get memory(): ChunkMemory | undefined {
    return this.#memory;
  }

  /** A chunk with undefined content and no successor. */
  allocate(): number {
    this.#used++;
    const free = this.#firstFree;
    if (free !== 0) {
      this.#firstFree = this.next(free);
      this.link(free, 0);
      this.#usedOf[segmentOf(free)]!++;
      return free;
    }
    const chunk = this.#fresh++;
    if (segmentOf(chunk) === this.offsets.length) this.#addSegment();
    this.#usedOf[segmentOf(chunk)]!++;
    return chunk;
  }

  next(chunk: number): number {
    return this.#links[segmentOf(chunk)]![chunk & (SEGMENT_CHUNKS - 1)]!;
  }

  link(chunk: number, next: number): void {
    this.#links[segmentOf(chunk)]![chunk & (SEGMENT_CHUNKS - 1)] = next;
  }

  /** Gives back the whole chain that begins at `chunk`. */
  freeChain(chunk: number): void {
    while (chunk !== 0) {
      const next = this.next(chunk);
      this.link(chunk, this.#firstFree);
      this.#firstFree = chunk;
      this.#used--;
      const segment = segmentOf(chunk);
      if (--this.#usedOf[segment]! === 0) this.#discard(segment);
      chunk = next;
    }
  }

  /** Gives the room of a segment's samples back to the system; the list of free chunks goes through its links. */
  #discard(segment: number): void {
    const { buffer, byteOffset } = this.offsets[segment]!;
    discardMemory(new Uint8Array(buffer, byteOffset, SEGMENT_SAMPLES * 12));
  }

  #addSegment(): void {
    const segment = this.offsets.length;
    this.#usedOf.push(0);
    const room = this.#memory?.reserve(segment + 1) ?? 'full';
    if (room === 'full') {
      // Those that are in the kernel's memory stay there.
      this.#memory = undefined;
      this.#place(segment, new ArrayBuffer(SEGMENT_BYTES), 0);
      return;
    }
    const { buffer } = this.#memory!;
    for (let i = room === 'moved' ? 0 : segment; i <= segment; i++) {
      this.#place(i, buffer, this.#memory!.segmentStart(i));
    }
  }

  /** Views of a segment: the layout is that of wasm/chunks.as. */
  #place(segment: number, buffer: ArrayBufferLike, start: number): void {
    this.offsets[segment] = new Int32Array(buffer, start, SEGMENT_SAMPLES);
    this.values[segment] = new Float64Array(buffer, start + SEGMENT_SAMPLES * 4, SEGMENT_SAMPLES);
    this.#links[segment] = new Uint32Array(buffer, start + SEGMENT_SAMPLES * 12, SEGMENT_CHUNKS);
  }
}

/** Segment of a chunk: index into `offsets` and `values`. */
export function segmentOf(chunk: number): number {
  return chunk >>> SEGMENT_CHUNK_BITS;
}

/** Place of a chunk's first sample in its segment. */
export function placeOf(chunk: number): number {
  return (chunk & (SEGMENT_CHUNKS - 1)) << CHUNK_SAMPLE_BITS;
}
