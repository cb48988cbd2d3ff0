import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { WriteBatch } from '@slatedb/uniffi';
import koffi, { type TypeSpec } from 'koffi';
import { StorageError } from './errors.ts';

/*
 * `WriteBatch.put` of the binding takes a row's bytes one by one inside the native library: 3 to 4 ns a byte during which
 * nothing else runs, so that 60 MB/s of rows cost a quarter of the event loop. The same native call can be made on
 * another thread. That needs what the binding does not export: the library's own functions. They are bound here once
 * more, for this one call, after a check that they are those which the binding was generated from.
 * Where anything of that fails, `undefined` sends the caller to the public method.
 */
const contractVersion = 30;
const putChecksum = 48_246;
const prefix = 'slatedb_uniffi';

/** A buffer that belongs to the native library. */
interface NativeBuffer {
  capacity: number | bigint;
  len: number | bigint;
  data: unknown;
}

type NativeCall<Args extends readonly unknown[], Result> = ((...args: Args) => Result) & {
  async(...args: [...Args, (error: unknown, result: Result) => void]): void;
};

interface NativePut {
  readonly allocate: NativeCall<[sizeBytes: number, status: Uint8Array], NativeBuffer>;
  readonly clone: NativeCall<[batch: bigint, status: Uint8Array], bigint>;
  readonly put: NativeCall<[batch: bigint, key: NativeBuffer, value: NativeBuffer, status: Uint8Array], undefined>;
}

/** Puts a row into a batch on another thread; the bytes are copied before the call returns. */
export type LargeRowPut = (batch: WriteBatch, key: Uint8Array, value: Uint8Array) => Promise<void>;

/** Below this size a change of threads costs more than it saves; bytes. */
export const largeRowBytes = 32 * 1024;

/** Size of the native call's status: a code, and a buffer with the error. */
const statusBytes = 32;
const lengthBytes = 4;

let loaded: LargeRowPut | undefined | null = null;

/** Undefined where the native library is not the one that this was written for. */
export function largeRowPut(): LargeRowPut | undefined {
  if (loaded !== null) return loaded;
  try {
    const native = bindNative();
    loaded = native && ((batch, key, value) => putElsewhere(native, batch, key, value));
  } catch {
    loaded = undefined;
  }
  return loaded;
}

function bindNative(): NativePut | undefined {
  const path = libraryPath();
  if (path === undefined) return undefined;
  const library = koffi.load(path);
  const version = library.func(`ffi_${prefix}_uniffi_contract_version`, 'uint32_t', []) as () => number;
  const checksum = library.func(`uniffi_${prefix}_checksum_method_writebatch_put`, 'uint16_t', []) as () => number;
  if (version() !== contractVersion || checksum() !== putChecksum) return undefined;
  const buffer = koffi.struct({ capacity: 'uint64_t', len: 'uint64_t', data: 'void *' });
  const bind = (name: string, result: TypeSpec, args: TypeSpec[]): unknown =>
    library.func(name, result, [...args, 'void *']);
  return {
    allocate: bind(`ffi_${prefix}_rustbuffer_alloc`, buffer, ['uint64_t']) as NativePut['allocate'],
    clone: bind(`uniffi_${prefix}_fn_clone_writebatch`, 'uint64_t', ['uint64_t']) as NativePut['clone'],
    put: bind(`uniffi_${prefix}_fn_method_writebatch_put`, 'void', ['uint64_t', buffer, buffer]) as NativePut['put'],
  };
}

function libraryPath(): string | undefined {
  const { platform, arch } = process;
  const file = { linux: `lib${prefix}.so`, darwin: `lib${prefix}.dylib`, win32: `${prefix}.dll` }[platform as string];
  if (file === undefined) return undefined;
  const target = `${platform}-${arch}${platform === 'linux' ? '-gnu' : ''}`;
  const folders = createRequire(import.meta.url).resolve.paths('@slatedb/uniffi') ?? [];
  const paths = folders.map((folder) => join(folder, '@slatedb/uniffi/prebuilds', target, file));
  return paths.find((path) => existsSync(path));
}

function putElsewhere(native: NativePut, batch: WriteBatch, key: Uint8Array, value: Uint8Array): Promise<void> {
  const status = new Uint8Array(statusBytes);
  const { uniffiHandle } = batch as unknown as { uniffiHandle: bigint };
  const loweredKey = lower(native, key, status);
  const loweredValue = lower(native, value, status);
  // The call consumes a reference to the batch and both buffers.
  const handle = native.clone(uniffiHandle, status);
  return new Promise((resolve, reject) => {
    native.put.async(handle, loweredKey, loweredValue, status, (error) => {
      if (error == null && status[0] === 0) resolve();
      else reject(new StorageError('internal', 'the storage engine did not take a row', { cause: error }));
    });
  });
}

/** Length as i32 BE | bytes, in memory of the native library. */
function lower(native: NativePut, bytes: Uint8Array, status: Uint8Array): NativeBuffer {
  const sizeBytes = lengthBytes + bytes.length;
  const buffer = native.allocate(sizeBytes, status);
  if (status[0] !== 0) throw new StorageError('internal', `no memory for a row of ${bytes.length} bytes`);
  const target = koffi.view(buffer.data, sizeBytes);
  new DataView(target).setInt32(0, bytes.length);
  new Uint8Array(target).set(bytes, lengthBytes);
  buffer.len = sizeBytes;
  return buffer;
}
