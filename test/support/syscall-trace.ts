import { spawnSync } from 'node:child_process';
import { findCommand } from './commands.ts';

/*
 * What a process did to files, and when it answered, from the output of strace. Calls of several threads overlap: each
 * has the line where it began and the one where it ended.
 */

export interface Syscall {
  readonly name: string;
  /** The text between the parentheses. */
  readonly args: string;
  /** Negative where the call failed. */
  readonly result: number;
  /** Numbers of lines. */
  readonly start: number;
  readonly end: number;
}

const calls =
  'openat,close,write,pwrite64,writev,pwritev,pwritev2,lseek,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,ftruncate,fallocate,copy_file_range,fsync,fdatasync,sync_file_range,syncfs';

const strace = findCommand('strace');

/** Whether this machine has strace and lets it trace. */
export function canTrace(): boolean {
  return strace !== undefined && spawnSync(strace, ['-f', '-o', '/dev/null', 'true']).status === 0;
}

/** The command that runs another one and writes what it does to a file. */
export function traced(file: string, command: string, args: readonly string[]): [command: string, args: string[]] {
  const flags = ['-f', '-yy', '-x', '-s', '33554432', '-e', `trace=${calls}`, '-e', 'signal=none', '-o', file];
  return [strace!, [...flags, command, ...args]];
}

/** Calls in the order of their ends; one that has not ended is left out. */
export function parseTrace(text: string): Syscall[] {
  const parsed: Syscall[] = [];
  const begun = new Map<string, { name: string; text: string; start: number }>();
  for (const [index, line] of text.split('\n').entries()) {
    const match = /^(\d+)\s+(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$/s.exec(line);
    if (match === null) continue;
    const [, pid, resumed, fresh, rest] = match;
    if (fresh !== undefined && rest!.endsWith('<unfinished ...>')) {
      begun.set(pid!, { name: fresh, text: rest!.slice(0, -'<unfinished ...>'.length).trimEnd(), start: index });
      continue;
    }
    const before = resumed === undefined ? undefined : begun.get(pid!);
    if (resumed !== undefined) begun.delete(pid!);
    const whole = (before?.text ?? '') + rest!;
    const end = whole.lastIndexOf(') = ');
    const closing = end >= 0 ? end : whole.search(/\)\s+= [^=]*$/);
    if (closing < 0) continue;
    const result = Number.parseInt(whole.slice(closing).replace(/^\)\s*=\s*/, ''), 10);
    if (Number.isNaN(result)) continue;
    const name = before?.name ?? fresh ?? resumed!;
    parsed.push({ name, args: whole.slice(0, closing), result, start: before?.start ?? index, end: index });
  }
  return parsed;
}

const escapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12, '"': 34, '\\': 92 };

/** The strings among the arguments, in order, as bytes. @throws Error for one that strace has cut */
export function stringsOf(args: string): Buffer[] {
  const strings: Buffer[] = [];
  for (let at = args.indexOf('"'); at >= 0; at = args.indexOf('"', at)) {
    const bytes: number[] = [];
    at++;
    while (args[at] !== '"') {
      if (args[at] !== '\\') bytes.push(args.charCodeAt(at++));
      else if (args[at + 1] === 'x') {
        bytes.push(Number.parseInt(args.slice(at + 2, at + 4), 16));
        at += 4;
      } else if (/[0-7]/.test(args[at + 1]!)) {
        const octal = /^[0-7]{1,3}/.exec(args.slice(at + 1, at + 4))![0];
        bytes.push(Number.parseInt(octal, 8));
        at += 1 + octal.length;
      } else {
        bytes.push(escapes[args[at + 1]!]!);
        at += 2;
      }
    }
    at++;
    if (args.startsWith('...', at)) throw new Error('strace has cut a string');
    strings.push(Buffer.from(bytes));
  }
  return strings;
}
