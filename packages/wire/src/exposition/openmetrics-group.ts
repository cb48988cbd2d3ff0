import { readLatin1 } from '../utf8.ts';
import { lineError, readEscaped, type Scan } from './scan.ts';

/** Index of the label of that name in the last series text, or -1. */
export function labelIndex(scan: Scan, name: string): number {
  for (let i = 0; i < scan.labelCount; i++) {
    if (scan.labelNameEnd[i]! - scan.labelNameStart[i]! < name.length) continue;
    if (labelName(scan, i) === name) return i;
  }
  return -1;
}

/**
 * Text that is equal for the samples of one group: the labels of the last series text but `special`, by name.
 * @throws WireError malformed if a label name occurs twice
 */
export function groupKey(scan: Scan, special: number): string {
  const { labelCount } = scan;
  if (labelCount === 0) return '';
  if (scan.hasEscape || !isSorted(scan)) return sortedKey(scan, special);
  const first = special === 0 ? 1 : 0;
  const last = special === labelCount - 1 ? labelCount - 2 : labelCount - 1;
  if (first > last) return '';
  if (special <= first || special >= last) return run(scan, first, last);
  return `${run(scan, first, special - 1)}",${run(scan, special + 1, last)}`;
}

/** The text from one label to another, which is canonical: nothing can stand between but commas. */
function run(scan: Scan, first: number, last: number): string {
  return readLatin1(scan.body, scan.labelNameStart[first]!, scan.labelValueEnd[last]!);
}

/** True if the names are unquoted and strictly ascending by bytes. */
function isSorted(scan: Scan): boolean {
  for (let i = 0; i < scan.labelCount; i++) {
    if (scan.body[scan.labelNameEnd[i]!] === 0x22) return false;
    if (i > 0 && !isNameBefore(scan, i - 1, i)) return false;
  }
  return true;
}

function isNameBefore(scan: Scan, left: number, right: number): boolean {
  const { body } = scan;
  const leftStart = scan.labelNameStart[left]!;
  const rightStart = scan.labelNameStart[right]!;
  const leftLength = scan.labelNameEnd[left]! - leftStart;
  const rightLength = scan.labelNameEnd[right]! - rightStart;
  const common = Math.min(leftLength, rightLength);
  for (let i = 0; i < common; i++) {
    const difference = body[leftStart + i]! - body[rightStart + i]!;
    if (difference !== 0) return difference < 0;
  }
  return leftLength < rightLength;
}

function sortedKey(scan: Scan, special: number): string {
  const pairs: { name: string; text: string }[] = [];
  for (let i = 0; i < scan.labelCount; i++) {
    const name = labelName(scan, i);
    const value = readEscaped(scan.body, scan.labelValueStart[i]!, scan.labelValueEnd[i]!);
    pairs.push({ name, text: i === special ? '' : `${escaped(name)}="${escaped(value)}` });
  }
  pairs.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (let i = 1; i < pairs.length; i++) {
    const { name } = pairs[i]!;
    if (name === pairs[i - 1]!.name) throw lineError(scan, `label name ${JSON.stringify(name)} is not unique`);
  }
  const texts = pairs.filter(({ text }) => text !== '').map(({ text }) => text);
  return texts.join('",');
}

function labelName(scan: Scan, index: number): string {
  return readEscaped(scan.body, scan.labelNameStart[index]!, scan.labelNameEnd[index]!);
}

function escaped(text: string): string {
  return text.replace(/[\\"]/g, '\\$&');
}
