import { PagedWords } from './paged-words.ts';

/** Samples of one chunk. */
export const CHUNK_SAMPLES = 16;
export const CHUNK_SAMPLE_BITS = 4;
/** Chunks of one segment. */
const SEGMENT_CHUNK_BITS = 12;
const SEGMENT_CHUNKS = 1 << SEGMENT_CHUNK_BITS;
const BYTES_PER_CHUNK = CHUNK_SAMPLES * (4 + 8) + 4;

/**
 * Room for samples: chunks of 16 columns entries (time offset, value) in segments of typed arrays, linked by number.
 * All windows share one pool, so that a window with three samples costs three chunks and a dropped window's room
 * serves the next. Chunk 0 is never handed out: 0 means none.
 */
export class ChunkPool {
  /** Milliseconds from the start of the window; sample `s` of chunk `c` is at `(c & chunkMask) * 16 + s`. */
  readonly offsets: Int32Array[] = [];
  readonly values: Float64Array[] = [];
  readonly #next = new PagedWords();
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

  /** Bytes that were taken from the system, free chunks included. */
  get allocatedBytes(): number {
    return this.offsets.length * SEGMENT_CHUNKS * (BYTES_PER_CHUNK - 4) + this.#next.memoryBytes;
  }

  /** A chunk with undefined content and no successor. */
  allocate(): number {
    this.#used++;
    const free = this.#firstFree;
    if (free !== 0) {
      this.#firstFree = this.#next.get(free);
      this.#next.set(free, 0);
      return free;
    }
    const chunk = this.#fresh++;
    if (chunk >>> SEGMENT_CHUNK_BITS >= this.offsets.length) {
      this.offsets.push(new Int32Array(SEGMENT_CHUNKS * CHUNK_SAMPLES));
      this.values.push(new Float64Array(SEGMENT_CHUNKS * CHUNK_SAMPLES));
      this.#next.reserve(this.offsets.length * SEGMENT_CHUNKS);
    }
    return chunk;
  }

  next(chunk: number): number {
    return this.#next.get(chunk);
  }

  link(chunk: number, next: number): void {
    this.#next.set(chunk, next);
  }

  /** Gives back the whole chain that begins at `chunk`. */
  freeChain(chunk: number): void {
    while (chunk !== 0) {
      const next = this.#next.get(chunk);
      this.#next.set(chunk, this.#firstFree);
      this.#firstFree = chunk;
      this.#used--;
      chunk = next;
    }
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
