import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Syscall, stringsOf } from './syscall-trace.ts';

/*
 * A disk that keeps what POSIX promises to keep over a power failure and nothing else: the bytes of a file that were
 * written before a sync of it began, once that has ended, and the names in a folder in the same way. A name that was made
 * in a folder is lost without a sync of that folder, however often the file itself was synced.
 */

type Write = { readonly offset: number; readonly bytes: Buffer } | { readonly size: number };

interface FileNode {
  readonly writes: Write[];
  /** So many writes are on the disk. */
  durable: number;
  size: number;
}

interface NameChange {
  readonly name: string;
  readonly node: Node | undefined;
}

interface FolderNode {
  readonly names: Map<string, Node>;
  readonly changes: NameChange[];
  /** So many changes are on the disk. */
  durable: number;
}

type Node = FileNode | FolderNode;

interface OpenFile {
  readonly node: Node;
  readonly appends: boolean;
  position: number;
}

/** What becomes of what is not on the disk. */
export interface Loss {
  /** How many of so many later changes of a folder's names are kept, the oldest first. */
  names(count: number): number;
  /** How many of the bytes of a later write are kept. */
  bytes(size: number): number;
}

export const everythingLost: Loss = { names: () => 0, bytes: () => 0 };

export const isFolder = (node: Node): node is FolderNode => 'names' in node;
const createFile = (): FileNode => ({ writes: [], durable: 0, size: 0 });
const createFolder = (): FolderNode => ({ names: new Map(), changes: [], durable: 0 });

type Step = { readonly at: number; readonly run: () => void };

/** @returns the folder `root`, which was there and empty, as it is on the disk behind line `cut` of the trace */
export function diskAt(calls: readonly Syscall[], root: string, cut: number): FolderNode {
  return playDisk(calls, root)(cut);
}

/** As {@link diskAt} for many cuts one after the other, each behind the last; the folder is the same each time. */
export function playDisk(calls: readonly Syscall[], root: string): (cut: number) => FolderNode {
  const top = createFolder();
  const open = new Map<number, OpenFile>();
  const steps: Step[] = [];
  for (const call of calls) {
    const [begin, finish] = stepsOf(call, root, top, open);
    if (begin !== undefined) steps.push({ at: call.start, run: begin });
    if (finish !== undefined) steps.push({ at: call.end, run: finish });
  }
  steps.sort((a, b) => a.at - b.at);
  let next = 0;
  return (cut) => {
    while (next < steps.length && steps[next]!.at <= cut) steps[next++]!.run();
    return top;
  };
}

/** Writes what is left of the disk into a folder. */
export function writeDisk(folder: FolderNode, path: string, loss: Loss): void {
  mkdirSync(path, { recursive: true });
  const kept = folder.durable + loss.names(folder.changes.length - folder.durable);
  for (const [name, node] of namesOf(folder, kept)) {
    if (isFolder(node)) writeDisk(node, join(path, name), loss);
    else writeFileSync(join(path, name), contentOf(node, loss));
  }
}

/** What is in a folder after so many changes of its names. */
export function namesOf(folder: FolderNode, changes: number): Map<string, Node> {
  const names = new Map<string, Node>();
  for (const { name, node } of folder.changes.slice(0, changes)) {
    if (node === undefined) names.delete(name);
    else names.set(name, node);
  }
  return names;
}

/** The bytes of a file that are on the disk; undefined where some are not, or for a folder. */
export function wholeContentOf(node: Node | undefined): Buffer | undefined {
  if (node === undefined || isFolder(node) || node.durable < node.writes.length) return undefined;
  return contentOf(node, everythingLost);
}

function contentOf({ writes, durable }: FileNode, loss: Loss): Buffer {
  let content = Buffer.alloc(0);
  const resize = (size: number): void => {
    content =
      size <= content.length
        ? content.subarray(0, size)
        : Buffer.concat([content, Buffer.alloc(size - content.length)]);
  };
  for (const [i, write] of writes.entries()) {
    if ('size' in write) {
      if (i < durable) resize(write.size);
      continue;
    }
    const kept = i < durable ? write.bytes.length : loss.bytes(write.bytes.length);
    if (kept === 0) continue;
    if (write.offset + kept > content.length) resize(write.offset + kept);
    write.bytes.copy(content, write.offset, 0, kept);
  }
  return content;
}

/** What a call does when it begins and when it has ended. */
function stepsOf(
  { name, args, result }: Syscall,
  root: string,
  top: FolderNode,
  open: Map<number, OpenFile>,
): [begin?: (() => void) | undefined, finish?: (() => void) | undefined] {
  const descriptor = Number.parseInt(args, 10);
  if (name === 'close') return [() => void open.delete(descriptor)];
  if (result < 0) return [];
  const paths = (): string[] => stringsOf(args).map((bytes) => bytes.toString());
  const inRoot = (path: string): boolean => path === root || path.startsWith(`${root}/`);
  const find = (path: string): Node | undefined => {
    let node: Node | undefined = top;
    for (const part of path.slice(root.length).split('/').filter(Boolean)) {
      node = node !== undefined && isFolder(node) ? node.names.get(part) : undefined;
    }
    return node;
  };
  const change = (path: string, node: Node | undefined): void => {
    const folder = find(dirname(path));
    if (folder === undefined || !isFolder(folder)) throw new Error(`no folder for ${path}`);
    const last = path.slice(path.lastIndexOf('/') + 1);
    if (node === undefined) folder.names.delete(last);
    else folder.names.set(last, node);
    folder.changes.push({ name: last, node });
  };
  const fileOf = (): FileNode | undefined => {
    const node = open.get(descriptor)?.node;
    return node === undefined || isFolder(node) ? undefined : node;
  };
  const write = (file: FileNode, offset: number, bytes: Buffer): void => {
    file.writes.push({ offset, bytes });
    file.size = Math.max(file.size, offset + bytes.length);
  };

  switch (name) {
    case 'openat': {
      const [path] = paths();
      if (path === undefined || !inRoot(path)) return [undefined, () => void open.delete(result)];
      return [
        undefined,
        () => {
          let node = find(path);
          if (node === undefined) {
            node = createFile();
            change(path, node);
          } else if (args.includes('O_TRUNC') && !isFolder(node)) {
            node.writes.push({ size: 0 });
            node.size = 0;
          }
          open.set(result, { node, appends: args.includes('O_APPEND'), position: 0 });
        },
      ];
    }
    case 'write':
    case 'writev':
    case 'pwrite64':
    case 'pwritev':
    case 'pwritev2': {
      if (!args.includes(root)) return [];
      const bytes = Buffer.concat(stringsOf(args)).subarray(0, result);
      const places = name.startsWith('p');
      const offset = places ? Number(args.split(', ').at(name === 'pwritev2' ? -2 : -1)) : 0;
      return [
        undefined,
        () => {
          const file = fileOf();
          if (file === undefined) return;
          const opened = open.get(descriptor)!;
          if (opened.appends) write(file, file.size, bytes);
          else if (places) write(file, offset, bytes);
          else {
            write(file, opened.position, bytes);
            opened.position += bytes.length;
          }
        },
      ];
    }
    case 'lseek':
      return [
        undefined,
        () => {
          const opened = open.get(descriptor);
          if (opened !== undefined) opened.position = result;
        },
      ];
    case 'ftruncate':
      return [
        undefined,
        () => {
          const file = fileOf();
          if (file === undefined) return;
          file.size = Number(args.split(', ').at(-1));
          file.writes.push({ size: file.size });
        },
      ];
    case 'fsync':
    case 'fdatasync': {
      let node: Node | undefined;
      let reached = 0;
      return [
        () => {
          node = open.get(descriptor)?.node;
          if (node !== undefined) reached = isFolder(node) ? node.changes.length : node.writes.length;
        },
        () => {
          if (node !== undefined) node.durable = Math.max(node.durable, reached);
        },
      ];
    }
    case 'mkdir':
    case 'mkdirat': {
      const [path] = paths();
      return path !== root && inRoot(path!) ? [undefined, () => change(path!, createFolder())] : [];
    }
    case 'unlink':
    case 'unlinkat':
    case 'rmdir': {
      const [path] = paths();
      return inRoot(path!) ? [undefined, () => change(path!, undefined)] : [];
    }
    case 'link':
    case 'linkat':
    case 'rename':
    case 'renameat':
    case 'renameat2': {
      const [from, to] = paths();
      if (!inRoot(from!)) return [];
      return [
        undefined,
        () => {
          change(to!, find(from!));
          if (name.startsWith('rename')) change(from!, undefined);
        },
      ];
    }
    default:
      if (args.includes(root)) throw new Error(`${name} of a file is not understood`);
      return [];
  }
}
