import { Buffer } from 'node:buffer';
import { decodeBase64 } from './base64.ts';
import { tooManyRecords } from './errors.ts';
import { addRecord, createAppendColumns } from './log-append-columns.ts';
import type { AppendRequest } from './log-append-request.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const NAME_RECORDS = Buffer.from('"records"');
const NAME_AWAIT = Buffer.from('"awaitDurable"');
const NAME_KEY = Buffer.from('"key"');
const NAME_VALUE = Buffer.from('"value"');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

interface Scan {
  readonly body: Uint8Array;
  readonly out: Buffer;
  readonly columns: ReturnType<typeof createAppendColumns>;
  /** offset of the next byte of the body */
  at: number;
  readonly maxRecords: number;
  /** bytes of `out` that are used */
  used: number;
}

/**
 * Decodes an append request in the plain shape: an object with `records` and perhaps `awaitDurable`, records with
 * exactly `key` and `value` in any order, no escape in a string. Undefined for anything else, good or bad.
 * @throws WireError too_large for more than `maxRecords`
 */
export function scanAppendJson(body: Uint8Array, maxRecords = Number.POSITIVE_INFINITY): AppendRequest | undefined {
  const out = Buffer.allocUnsafe(Math.ceil((body.length * 3) / 4));
  const scan: Scan = { body, out, columns: createAppendColumns(out), maxRecords, at: 0, used: 0 };
  let hasRecords = false;
  let awaitDurable: boolean | undefined;
  if (!take(scan, OPEN_OBJECT)) return undefined;
  do {
    if (!hasRecords && takeWord(scan, NAME_RECORDS)) {
      if (!take(scan, COLON) || !scanRecords(scan)) return undefined;
      hasRecords = true;
    } else if (awaitDurable === undefined && takeWord(scan, NAME_AWAIT)) {
      if (!take(scan, COLON)) return undefined;
      if (takeWord(scan, TRUE)) awaitDurable = true;
      else if (takeWord(scan, FALSE)) awaitDurable = false;
      else return undefined;
    } else return undefined;
  } while (take(scan, COMMA));
  if (!hasRecords || !take(scan, CLOSE_OBJECT)) return undefined;
  skipSpace(scan);
  if (scan.at !== body.length) return undefined;
  return { ...scan.columns, awaitDurable: awaitDurable ?? false };
}

function scanRecords(scan: Scan): boolean {
  if (!take(scan, OPEN_ARRAY)) return false;
  if (take(scan, CLOSE_ARRAY)) return true;
  do {
    if (scan.columns.count === scan.maxRecords) throw tooManyRecords(scan.maxRecords);
    if (!scanRecord(scan)) return false;
  } while (take(scan, COMMA));
  return take(scan, CLOSE_ARRAY);
}

function scanRecord(scan: Scan): boolean {
  if (!take(scan, OPEN_OBJECT)) return false;
  const keyFirst = takeWord(scan, NAME_KEY);
  if (!keyFirst && !takeWord(scan, NAME_VALUE)) return false;
  const firstStart = scan.used;
  if (!take(scan, COLON) || !scanBase64(scan)) return false;
  const secondStart = scan.used;
  if (!take(scan, COMMA) || !takeWord(scan, keyFirst ? NAME_VALUE : NAME_KEY)) return false;
  if (!take(scan, COLON) || !scanBase64(scan) || !take(scan, CLOSE_OBJECT)) return false;
  if (keyFirst) addRecord(scan.columns, firstStart, secondStart, secondStart, scan.used);
  else addRecord(scan.columns, secondStart, scan.used, firstStart, secondStart);
  return true;
}

/** A string of base64. An escape in it would be no base64, so the next quote is its end or it is not plain. */
function scanBase64(scan: Scan): boolean {
  if (!take(scan, QUOTE)) return false;
  const end = scan.body.indexOf(QUOTE, scan.at);
  if (end < 0) return false;
  const written = decodeBase64(scan.body, scan.at, end, scan.out, scan.used);
  if (written < 0) return false;
  scan.at = end + 1;
  scan.used += written;
  return true;
}

function skipSpace(scan: Scan): void {
  const { body } = scan;
  let at = scan.at;
  while (at < body.length) {
    const byte = body[at]!;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at++;
  }
  scan.at = at;
}

/** Takes one character after white space, if it is there. */
function take(scan: Scan, character: number): boolean {
  skipSpace(scan);
  if (scan.at >= scan.body.length || scan.body[scan.at] !== character) return false;
  scan.at++;
  return true;
}

function takeWord(scan: Scan, word: Uint8Array): boolean {
  skipSpace(scan);
  const { body, at } = scan;
  if (body.length - at < word.length) return false;
  for (let i = 0; i < word.length; i++) if (body[at + i] !== word[i]) return false;
  scan.at = at + word.length;
  return true;
}
