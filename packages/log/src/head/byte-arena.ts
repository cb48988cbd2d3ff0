const slotShift = 22;
const slotBytes = 1 << slotShift;

/**
 * Append-only bytes in chunks that never move: a position stays valid, and what was committed there never changes.
 * Positions are below 2^32. What is reserved at once lies in one chunk.
 */
export class ByteArena {
  /** Chunk of each 4 MiB slot of the position space; a larger chunk fills several slots. */
  private readonly chunks: Buffer[] = [];
  private readonly chunkPositions: number[] = [];
  private end = 0;
  private limit = 0;
  /** Bytes of memory held. */
  allocatedBytes = 0;
  /** Bytes committed. */
  usedBytes = 0;

  /** The position at which `length` contiguous bytes can be written. Nothing is taken until {@link commit}. */
  reserve(length: number): number {
    if (length > this.limit - this.end) this.addChunk(length);
    return this.end;
  }

  /** Takes the bytes of the last {@link reserve}. */
  commit(length: number): void {
    this.end += length;
    this.usedBytes += length;
  }

  /** The chunk in which `position` lies. */
  chunkAt(position: number): Buffer {
    return this.chunks[position >>> slotShift]!;
  }

  /** Offset of `position` in its chunk. */
  offsetAt(position: number): number {
    return position - this.chunkPositions[position >>> slotShift]!;
  }

  private addChunk(length: number): void {
    const slots = Math.max(1, Math.ceil(length / slotBytes));
    const position = this.chunks.length * slotBytes;
    const chunk = Buffer.allocUnsafeSlow(slots * slotBytes);
    for (let i = 0; i < slots; i++) {
      this.chunks.push(chunk);
      this.chunkPositions.push(position);
    }
    this.end = position;
    this.limit = position + chunk.length;
    this.allocatedBytes += chunk.length;
  }
}
