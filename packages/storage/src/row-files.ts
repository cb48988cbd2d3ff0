import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageError } from './errors.ts';
import type { Logger } from './logger.ts';

/*
 * Files of a folder store beside those of the engine. The engine writes every byte to its log, again to a sorted file,
 * and again with each compaction; a value in a file of ours is written once, and its row only says where it is:
 *
 *   0xf0 | token 8 bytes | offset u64 BE | length u32 BE
 *
 * A lane or a block has files of its own, `lane-<id>-<token>` and `block-<id>-<token>`, which go when it is swept. A
 * token is new for every file, so that a writer that was fenced never writes where the next one does. Values carry
 * checksums of their own.
 */
export type FileOwner = `lane-${number}` | `block-${number}`;

/** Where a value is. */
export interface ValuePlace {
  readonly owner: FileOwner;
  readonly token: string;
  readonly offset: number;
  readonly length: number;
}

const marker = 0xf0;
const tokenBytes = 8;
const referenceBytes = 1 + tokenBytes + 8 + 4;
const fileName = /^((?:lane|block)-\d+)-([0-9a-f]{16})$/;
/** Files that take values. One more makes the oldest be closed for good: its owner's next value begins another. */
const mostWritten = 64;
/** Files that are open for reading. */
const mostRead = 256;

/** The reference to a value, as the value of its row. */
export function encodePlace({ token, offset, length }: ValuePlace): Uint8Array {
  const bytes = Buffer.allocUnsafe(referenceBytes);
  bytes[0] = marker;
  bytes.write(token, 1, 'hex');
  bytes.writeBigUInt64BE(BigInt(offset), 1 + tokenBytes);
  bytes.writeUInt32BE(length, 1 + tokenBytes + 8);
  return bytes;
}

/** Undefined where the row has its value itself. */
export function decodePlace(owner: FileOwner, value: Uint8Array): ValuePlace | undefined {
  if (value.length !== referenceBytes || value[0] !== marker) return undefined;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  return {
    owner,
    token: bytes.toString('hex', 1, 1 + tokenBytes),
    offset: Number(bytes.readBigUInt64BE(1 + tokenBytes)),
    length: bytes.readUInt32BE(1 + tokenBytes + 8),
  };
}

/** Reads values from the files in a folder. */
export class RowFileReader {
  protected readonly folder: string;
  readonly #open = new Map<string, Promise<FileHandle>>();

  /** @param root folder of the database */
  constructor(root: string) {
    this.folder = join(root, 'rows');
  }

  /** The value; undefined when its file is gone, or ends before it. */
  async read(place: ValuePlace): Promise<Uint8Array | undefined> {
    const name = `${place.owner}-${place.token}`;
    // Not a Buffer: its `slice` would not copy.
    const value = new Uint8Array(Buffer.allocUnsafeSlow(place.length).buffer);
    for (let attempt = 0; ; attempt++) {
      try {
        const file = await this.#file(name);
        let read = 0;
        while (read < place.length) {
          const { bytesRead } = await file.read(value, read, place.length - read, place.offset + read);
          if (bytesRead === 0) return undefined;
          read += bytesRead;
        }
        return value;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT') return undefined;
        // Closed meanwhile, to make room for others.
        if (code !== 'EBADF' || attempt > 2) throw failed('read', error);
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((name) => this.forget(name)));
  }

  /** Closes a file when what is being read of it is read. */
  protected async forget(name: string): Promise<void> {
    const file = this.#open.get(name);
    this.#open.delete(name);
    await file?.then((handle) => handle.close()).catch(ignore);
  }

  #file(name: string): Promise<FileHandle> {
    let file = this.#open.get(name);
    if (file === undefined) {
      if (this.#open.size >= mostRead) void this.forget(this.#open.keys().next().value!);
      file = open(join(this.folder, name), 'r');
      file.catch(() => this.#open.get(name) === file && this.#open.delete(name));
    } else this.#open.delete(name);
    this.#open.set(name, file);
    return file;
  }
}

interface WrittenFile {
  readonly name: string;
  readonly token: string;
  readonly handle: Promise<FileHandle>;
  /** Where the next value goes. */
  end: number;
  /** Resolves when it is there, and every value was written or failed to be. */
  settled: Promise<unknown>;
}

export interface RowFilesOptions {
  /** Folder of the database. */
  readonly root: string;
  /** Whether values are on the disk, and not only with the system, before they count as stored. */
  readonly fsync: boolean;
  /** How long the files of what was swept are still there for readers that look at an older state. */
  readonly graceMs: number;
  readonly logger: Logger;
}

/** The writer's side: appends values, removes files. */
export class RowFiles extends RowFileReader {
  readonly #options: RowFilesOptions;
  readonly #written = new Map<FileOwner, WrittenFile>();
  /** Files that take no more values, by name, until they are closed. */
  readonly #finishing = new Map<string, Promise<void>>();
  /** Names of all files. */
  readonly #names = new Map<FileOwner, string[]>();
  readonly #found: readonly FileOwner[];
  readonly #removals = new Set<NodeJS.Timeout>();

  private constructor(options: RowFilesOptions, names: readonly string[]) {
    super(options.root);
    this.#options = options;
    for (const name of names) {
      const owner = fileName.exec(name)?.[1] as FileOwner | undefined;
      if (owner !== undefined) this.#name(owner, name);
    }
    this.#found = [...this.#names.keys()];
  }

  get fsync(): boolean {
    return this.#options.fsync;
  }

  static async open(options: RowFilesOptions): Promise<RowFiles> {
    const folder = join(options.root, 'rows');
    await mkdir(folder, { recursive: true });
    return new RowFiles(options, await readdir(folder));
  }

  /**
   * Appends the values one behind the other and answers where they are, at once; they are there when `stored` resolves.
   * The bytes must not change before.
   */
  append(owner: FileOwner, values: readonly Uint8Array[]): { places: ValuePlace[]; stored: Promise<void> } {
    const file = this.#written.get(owner) ?? this.#create(owner);
    const start = file.end;
    const places = values.map(({ length }) => {
      const place = { owner, token: file.token, offset: file.end, length };
      file.end += length;
      return place;
    });
    const stored = this.#write(file, values, start);
    const before = file.settled;
    file.settled = stored.catch(ignore).then(() => before);
    return { places, stored };
  }

  /** Removes the files of an owner whose rows are gone, after a while. */
  drop(owner: FileOwner): void {
    this.#finish(owner);
    const names = this.#names.get(owner);
    this.#names.delete(owner);
    if (names === undefined) return;
    const timer = setTimeout(() => {
      this.#removals.delete(timer);
      for (const name of names) void this.#remove(name);
    }, this.#options.graceMs);
    timer.unref();
    this.#removals.add(timer);
  }

  /** Removes what an earlier process left of owners of a kind that have no rows. */
  dropLeft(kind: 'lane' | 'block', hasRows: (id: number) => boolean): void {
    for (const owner of this.#found) {
      if (owner.startsWith(`${kind}-`) && !hasRows(Number(owner.slice(kind.length + 1)))) this.drop(owner);
    }
  }

  /** Nothing appears in the folder any more. What waits to be removed is removed after the next start. */
  override async close(): Promise<void> {
    for (const timer of this.#removals) clearTimeout(timer);
    for (const owner of [...this.#written.keys()]) this.#finish(owner);
    await Promise.all([super.close(), ...this.#finishing.values()]);
  }

  #create(owner: FileOwner): WrittenFile {
    if (this.#written.size >= mostWritten) this.#finish(this.#written.keys().next().value!);
    const token = randomBytes(tokenBytes).toString('hex');
    const name = `${owner}-${token}`;
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
    const handle = open(join(this.folder, name), flags, 0o644).then(async (opened) => {
      if (this.#options.fsync) await syncFolder(this.folder);
      return opened;
    });
    const file: WrittenFile = { name, token, handle, end: 0, settled: handle.catch(ignore) };
    handle.catch(() => this.#written.get(owner) === file && this.#written.delete(owner));
    this.#written.set(owner, file);
    this.#name(owner, name);
    return file;
  }

  async #write(file: WrittenFile, values: readonly Uint8Array[], start: number): Promise<void> {
    const { end } = file;
    try {
      const handle = await file.handle;
      let position = start;
      let left = values;
      while (left.length > 0) {
        const { bytesWritten } = await handle.writev(left, position);
        position += bytesWritten;
        left = without(left, bytesWritten);
      }
      if (this.#options.fsync) await handle.datasync();
    } catch (error) {
      // What is written again goes over it, where it can: a full disk would be filled by every try.
      if (file.end === end) file.end = start;
      throw failed('written', error);
    }
  }

  #name(owner: FileOwner, name: string): void {
    const names = this.#names.get(owner);
    if (names === undefined) this.#names.set(owner, [name]);
    else names.push(name);
  }

  /** The owner's next value begins another file; this one is closed behind what is being written to it. */
  #finish(owner: FileOwner): void {
    const file = this.#written.get(owner);
    this.#written.delete(owner);
    if (file === undefined) return;
    const { name, handle, settled } = file;
    const finished = settled
      .then(() => handle)
      .then((opened) => opened.close())
      .catch(ignore)
      .finally(() => this.#finishing.delete(name));
    this.#finishing.set(name, finished);
  }

  async #remove(name: string): Promise<void> {
    // It would appear again if it were removed before it is there.
    await this.#finishing.get(name);
    await this.forget(name);
    const path = join(this.folder, name);
    await rm(path, { force: true }).catch((error: unknown) =>
      this.#options.logger.warn({ err: error, path }, 'a file that is not needed was not removed'),
    );
  }
}

/** What is left of the values behind the first `sizeBytes` bytes. */
function without(values: readonly Uint8Array[], sizeBytes: number): Uint8Array[] {
  let skipped = 0;
  let index = 0;
  while (index < values.length && skipped + values[index]!.length <= sizeBytes) skipped += values[index++]!.length;
  const left = values.slice(index);
  if (left.length > 0 && sizeBytes > skipped) left[0] = left[0]!.subarray(sizeBytes - skipped);
  return left;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function failed(what: string, error: unknown): StorageError {
  const message = error instanceof Error ? error.message : String(error);
  return new StorageError('unavailable', `a file of rows could not be ${what}: ${message}`, { cause: error });
}

const ignore = (): void => undefined;
