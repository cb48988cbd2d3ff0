import koffi from 'koffi';

/** `M_MMAP_THRESHOLD` and `M_ARENA_MAX` of glibc's malloc.h. */
const mmapThreshold = -3;
const arenaMax = -8;
/** `MADV_DONTNEED` of Linux's mman.h. */
const notNeeded = 4;
const lookMs = 1000;
const defaultGrowthBytes = 32 * 1024 * 1024;

export interface NativeMemoryOptions {
  /** Larger pieces are unmapped when they are freed; glibc raises this up to 32 MiB by itself. Bytes. */
  readonly mappedBytes?: number;
  /** How much more than after the last time the process must hold before it is worth a look, bytes. */
  readonly growthBytes?: number;
}

/**
 * Keeps down what is left in glibc's memory pools. The storage engine allocates on one thread and frees on another, so
 * every pool keeps what the largest burst needed: further threads share the pools that are there, and what is free in them
 * goes back to the system once a second, on a thread of its own, while memory grows. `MALLOC_ARENA_MAX=1` in the
 * environment does better, because Node itself starts with several pools. Does nothing where there is no glibc.
 */
export function boundNativeMemory({ mappedBytes, growthBytes = defaultGrowthBytes }: NativeMemoryOptions = {}): void {
  if (process.platform !== 'linux') return;
  try {
    const libc = koffi.load('libc.so.6');
    const setOption = libc.func('mallopt', 'int', ['int', 'int']);
    const trim = libc.func('malloc_trim', 'int', ['size_t']);
    if (process.env['MALLOC_ARENA_MAX'] === undefined) setOption(arenaMax, 1);
    if (mappedBytes !== undefined) setOption(mmapThreshold, mappedBytes);
    let lastBytes = 0;
    let isTrimming = false;
    const look = (): void => {
      if (isTrimming || process.memoryUsage.rss() < lastBytes + growthBytes) return;
      isTrimming = true;
      trim.async(0, () => {
        isTrimming = false;
        lastBytes = process.memoryUsage.rss();
      });
    };
    setInterval(look, lookMs).unref();
  } catch {
    // Another C library: its memory is its own affair.
  }
}

let discard: ((bytes: Uint8Array) => boolean) | undefined;

/**
 * Gives the whole pages of memory among these bytes back to the system, at once: they read as 0 from now on, and take memory
 * again where they are written. For large pieces of a memory that cannot become smaller, as WebAssembly's.
 * @returns false where the system does not have it, and nothing has changed
 */
export function discardMemory(bytes: Uint8Array): boolean {
  discard ??= createDiscard();
  return discard(bytes);
}

function createDiscard(): (bytes: Uint8Array) => boolean {
  if (process.platform !== 'linux') return () => false;
  try {
    const libc = koffi.load('libc.so.6');
    const advise = libc.func('madvise', 'int', ['void *', 'size_t', 'int']);
    const pageBytes = (libc.func('getpagesize', 'int', []) as () => number)();
    return (bytes) => {
      const misplaced = Number(koffi.address(bytes) % BigInt(pageBytes));
      const start = misplaced === 0 ? 0 : pageBytes - misplaced;
      const length = Math.floor((bytes.length - start) / pageBytes) * pageBytes;
      if (length <= 0) return false;
      return (advise(bytes.subarray(start), length, notNeeded) as number) === 0;
    };
  } catch {
    return () => false;
  }
}
