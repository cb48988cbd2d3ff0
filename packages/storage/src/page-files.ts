import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlockInfo } from './blocks.ts';
import type { Logger } from './logger.ts';
import { unframePage } from './page-frame.ts';

/*
 * Pages of blocks on a local disk, for readers, whose engine has no disk cache. A folder of segments; a segment is a run
 * of records:
 *
 *   identity 16 bytes | page u32 LE | length u32 LE | the page as it is in the store, with its checksum
 *
 * The identity is a digest of the block's number and descriptor, so that pages of another database, or of one that was
 * made anew, are never taken for these. What is damaged is not there.
 */
const RECORD_HEADER_BYTES = 24;
/** How many segments there are when the cache is full: each is an open file, and goes as a whole. */
const SEGMENTS = 128;
/** Each takes about 200 bytes of memory. */
const MAX_PAGES = 500_000;
/** What waits to be written; what comes beyond it is not cached. */
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;
/** Pages are tens of kB; a length beyond this is damage. */
const MAX_PAGE_BYTES = 256 * 1024 * 1024;

interface Segment {
  readonly number: number;
  readonly file: FileHandle;
  readonly path: string;
  sizeBytes: number;
  readonly keys: string[];
}

interface Place {
  readonly segment: Segment;
  readonly position: number;
  readonly length: number;
}

export interface PageFilesOptions {
  readonly folder: string;
  /** The least recently used segments go beyond this. */
  readonly maxBytes: number;
  readonly logger: Logger;
}

/** A cache of pages on disk. It never fails: what it cannot read or write is read from the store. */
export class PageFiles {
  readonly #options: PageFilesOptions;
  readonly #folder: string;
  readonly #places = new Map<string, Place>();
  /** The least recently used first; the last one made takes what is written. */
  readonly #segments = new Set<Segment>();
  readonly #identities = new WeakMap<BlockInfo, string>();
  #current: Segment | undefined;
  #lastNumber = 0;
  #sizeBytes = 0;
  #queuedBytes = 0;
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;
  #stats = { hits: 0, misses: 0 };

  private constructor(options: PageFilesOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  /** Takes over, in the background, what an earlier process left. Undefined where the folder cannot be used. */
  static async open(options: PageFilesOptions): Promise<PageFiles | undefined> {
    try {
      const files = new PageFiles(options, await ownFolder(options.folder));
      files.#enqueue(() => files.#recover());
      return files;
    } catch (error) {
      options.logger.warn({ err: error, folder: options.folder }, 'the disk cache cannot be used');
      return undefined;
    }
  }

  get stats(): { readonly hits: number; readonly misses: number; readonly bytes: number } {
    return { ...this.#stats, bytes: this.#sizeBytes };
  }

  /** The pages that are there; undefined for each of the others. */
  async read(block: BlockInfo, first: number, count: number): Promise<(Uint8Array | undefined)[]> {
    const pages = Array.from({ length: count }, (_, i) => this.#readPage(block, first + i));
    return Promise.all(pages);
  }

  /** Adds a page as it is in the store; in the background. */
  add(block: BlockInfo, page: number, framed: Uint8Array): void {
    const key = this.#keyOf(block, page);
    if (this.#isClosed || this.#places.has(key) || this.#queuedBytes + framed.length > MAX_QUEUED_BYTES) return;
    this.#queuedBytes += framed.length;
    this.#enqueue(() => this.#write(key, framed)).finally(() => {
      this.#queuedBytes -= framed.length;
    });
  }

  /** Resolves when everything that was added, and found at the start, can be read. */
  idle(): Promise<void> {
    return this.#work;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
    for (const { file } of this.#segments) await file.close().catch(ignore);
    await rm(join(this.#folder, 'owner'), { force: true }).catch(ignore);
  }

  async #readPage(block: BlockInfo, page: number): Promise<Uint8Array | undefined> {
    const key = this.#keyOf(block, page);
    const place = this.#places.get(key);
    const bytes = place === undefined ? undefined : await readPlace(place, block.id, page);
    if (place === undefined || bytes === undefined) {
      this.#stats.misses++;
      if (place !== undefined) this.#places.delete(key);
      return undefined;
    }
    this.#stats.hits++;
    if (this.#segments.delete(place.segment)) this.#segments.add(place.segment);
    return bytes;
  }

  async #write(key: string, framed: Uint8Array): Promise<void> {
    if (this.#places.has(key)) return;
    const segment = await this.#segmentFor(framed.length);
    const header = Buffer.alloc(RECORD_HEADER_BYTES);
    header.write(key, 0, 16, 'latin1');
    header.writeUInt32LE(pageOfKey(key), 16);
    header.writeUInt32LE(framed.length, 20);
    const position = segment.sizeBytes;
    await segment.file.writev([header, framed], position);
    this.#took(segment, key, framed.length);
  }

  #took(segment: Segment, key: string, length: number): void {
    this.#places.set(key, { segment, position: segment.sizeBytes + RECORD_HEADER_BYTES, length });
    segment.keys.push(key);
    segment.sizeBytes += RECORD_HEADER_BYTES + length;
    this.#sizeBytes += RECORD_HEADER_BYTES + length;
  }

  async #segmentFor(length: number): Promise<Segment> {
    const { maxBytes } = this.#options;
    await this.#makeRoom(length + RECORD_HEADER_BYTES);
    if (this.#current === undefined || this.#current.sizeBytes >= maxBytes / SEGMENTS) {
      this.#current = await this.#openSegment(++this.#lastNumber, 'wx+');
    }
    return this.#current;
  }

  async #openSegment(number: number, mode: string): Promise<Segment> {
    const path = join(this.#folder, `${number}.pages`);
    const segment = { number, file: await open(path, mode), path, sizeBytes: 0, keys: [] };
    this.#segments.add(segment);
    return segment;
  }

  async #drop(segment: Segment): Promise<void> {
    this.#segments.delete(segment);
    if (this.#current === segment) this.#current = undefined;
    for (const key of segment.keys) if (this.#places.get(key)?.segment === segment) this.#places.delete(key);
    this.#sizeBytes -= segment.sizeBytes;
    await segment.file.close().catch(ignore);
    await rm(segment.path, { force: true });
  }

  async #recover(): Promise<void> {
    const numbers = (await readdir(this.#folder)).map((name) => Number(/^(\d+)\.pages$/.exec(name)?.[1] ?? 0));
    for (const number of numbers.filter((each) => each > 0).sort((a, b) => a - b)) {
      this.#lastNumber = number;
      await this.#recoverSegment(await this.#openSegment(number, 'r+'));
    }
    await this.#makeRoom(0);
  }

  async #makeRoom(neededBytes: number): Promise<void> {
    const isFull = () => this.#sizeBytes + neededBytes > this.#options.maxBytes || this.#places.size >= MAX_PAGES;
    while (isFull() && this.#segments.size > 0) await this.#drop(this.#segments.values().next().value!);
  }

  /** Up to the first record that is not whole: the rest was being written when the process ended. */
  async #recoverSegment(segment: Segment): Promise<void> {
    const { size } = await segment.file.stat();
    const header = Buffer.alloc(RECORD_HEADER_BYTES);
    while (segment.sizeBytes + RECORD_HEADER_BYTES <= size) {
      await segment.file.read(header, 0, RECORD_HEADER_BYTES, segment.sizeBytes);
      const length = header.readUInt32LE(20);
      if (length > MAX_PAGE_BYTES || segment.sizeBytes + RECORD_HEADER_BYTES + length > size) break;
      this.#took(segment, keyOf(header.toString('latin1', 0, 16), header.readUInt32LE(16)), length);
    }
    if (segment.sizeBytes === 0) await this.#drop(segment);
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      // A full disk, most likely: the segment is not written to any more.
      this.#current = undefined;
      this.#options.logger.debug({ err: error, folder: this.#folder }, 'a page was not cached on disk');
    });
    return this.#work;
  }

  #keyOf(block: BlockInfo, page: number): string {
    let identity = this.#identities.get(block);
    if (identity === undefined) {
      const digest = createHash('sha256').update(`${block.id} `).update(block.descriptor).digest();
      identity = digest.toString('latin1', 0, 16);
      this.#identities.set(block, identity);
    }
    return keyOf(identity, page);
  }
}

const inUse = new Map<string, { readonly files: Promise<PageFiles | undefined>; users: number }>();

/** The cache in this folder, shared by all of this process; `release` is to be called once by each who has it. */
export async function sharePageFiles(
  options: PageFilesOptions,
): Promise<{ readonly files: PageFiles | undefined; release(): Promise<void> }> {
  const { folder } = options;
  const entry = inUse.get(folder) ?? { files: PageFiles.open(options), users: 0 };
  inUse.set(folder, entry);
  entry.users++;
  const files = await entry.files;
  return {
    files,
    async release() {
      if (--entry.users > 0) return;
      inUse.delete(folder);
      await files?.close();
    },
  };
}

async function readPlace({ segment, position, length }: Place, block: number, page: number) {
  try {
    const framed = new Uint8Array(length);
    const { bytesRead } = await segment.file.read(framed, 0, length, position);
    return bytesRead === length ? unframePage(block, page, framed) : undefined;
  } catch {
    return undefined;
  }
}

function keyOf(identity: string, page: number): string {
  return identity + String(page);
}

function pageOfKey(key: string): number {
  return Number(key.slice(16));
}

/** A folder below this one that no other process that runs has: `0`, else `1` … */
async function ownFolder(folder: string): Promise<string> {
  for (let number = 0; ; number++) {
    const own = join(folder, 'pages', String(number));
    const ownerFile = join(own, 'owner');
    await mkdir(own, { recursive: true });
    const owner = Number(await readFile(ownerFile, 'utf8').catch(() => '0'));
    // The process of this number was this one in an earlier life of the container.
    if (owner > 0 && owner !== process.pid && isRunning(owner)) continue;
    await writeFile(ownerFile, String(process.pid));
    return own;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const ignore = (): void => undefined;
