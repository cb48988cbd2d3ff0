import type { ByteReader } from './byte-reader.ts';
import { EVEN_FLAG, evenShares, MOST_SYMBOLS, STATES, spreadSymbols, stateBits } from './symbols.ts';

const shares = new Uint16Array(MOST_SYMBOLS);
const symbolOf = new Uint8Array(STATES);
const ranks = new Uint16Array(MOST_SYMBOLS);
/** For each state: symbol, 16 * bits to read, 256 * where the next state begins. */
const ownTable = new Uint16Array(STATES);
/** The tables of even shares by how many kinds there are. */
const evenTables: (Uint16Array | undefined)[] = [];

/** Reads `count` symbols (see symbols.ts), and adds each times `scale` to `target[to…]`. @throws PageFormatError */
export function addSymbols(reader: ByteReader, target: Float64Array, to: number, count: number, scale: number): void {
  const table = readTable(reader);
  const bytes = reader.varint();
  const start = reader.skip(bytes, 'symbols');
  if (bytes < 2) reader.fail('symbols without states');
  const { view } = reader;
  const endBit = reader.at * 8;
  let state = reader.bytes[start]!;
  let other = reader.bytes[start + 1]!;
  let bit = (start + 2) * 8;
  const pairsEnd = to + (count & ~1);
  let i = to;
  while (i < pairsEnd && bit <= endBit) {
    const entry = table[state]!;
    const otherEntry = table[other]!;
    const word = view.getInt32(bit >>> 3, true) >>> (bit & 7);
    const bits = (entry >>> 4) & 15;
    const otherBits = (otherEntry >>> 4) & 15;
    state = (entry >>> 8) + (word & ((1 << bits) - 1));
    other = (otherEntry >>> 8) + ((word >>> bits) & ((1 << otherBits) - 1));
    bit += bits + otherBits;
    target[i] = target[i]! + (entry & 15) * scale;
    target[i + 1] = target[i + 1]! + (otherEntry & 15) * scale;
    i += 2;
  }
  if (i < to + count && bit <= endBit) {
    const entry = table[state]!;
    const bits = (entry >>> 4) & 15;
    state = (entry >>> 8) + ((view.getInt32(bit >>> 3, true) >>> (bit & 7)) & ((1 << bits) - 1));
    bit += bits;
    target[i] = target[i]! + (entry & 15) * scale;
    i++;
  }
  if (i < to + count || bit > endBit || endBit - bit > 7 || state !== 0 || other !== 0) {
    reader.fail('symbols that do not end where they should');
  }
}

function readTable(reader: ByteReader): Uint16Array {
  const head = reader.byte();
  const kinds = head & (EVEN_FLAG - 1);
  if (head >= 2 * EVEN_FLAG || kinds > MOST_SYMBOLS || kinds < 2) reader.fail(`unknown form of symbols ${head}`);
  if ((head & EVEN_FLAG) !== 0) return (evenTables[kinds] ??= evenTable(kinds));
  const at = reader.skip(kinds, 'shares');
  let sum = 0;
  for (let i = 0; i < kinds; i++) {
    const share = reader.bytes[at + i]!;
    shares[i] = share;
    sum += share;
  }
  if (sum !== STATES) reader.fail(`shares of ${sum} states`);
  fillTable(kinds, ownTable);
  return ownTable;
}

function evenTable(kinds: number): Uint16Array {
  evenShares(kinds, shares);
  const table = new Uint16Array(STATES);
  fillTable(kinds, table);
  return table;
}

function fillTable(kinds: number, table: Uint16Array): void {
  spreadSymbols(shares, kinds, symbolOf);
  for (let i = 0; i < kinds; i++) ranks[i] = shares[i]!;
  for (let state = 0; state < STATES; state++) {
    const symbol = symbolOf[state]!;
    const x = ranks[symbol]!;
    ranks[symbol] = x + 1;
    const bits = stateBits(x);
    table[state] = symbol | (bits << 4) | (((x << bits) - STATES) << 8);
  }
}
