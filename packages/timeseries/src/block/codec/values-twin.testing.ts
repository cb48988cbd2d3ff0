/**
 * A slow second reading of values (see value-format.ts and column-format.ts), bit by bit and with big integers, that
 * shares no code with the decoder. It trusts its bytes.
 */
export function decodeValuesSlowly(
  bytes: Uint8Array,
  count: number,
  referenceOf: (series: number) => bigint[] = () => [],
): bigint[] {
  const cursor: Cursor = { bytes, at: 0 };
  const head = byte(cursor);
  const kind = head & 7;
  if ((head & 128) !== 0) cursor.at += varint(cursor);
  if (kind === 4) return Array.from({ length: count }, () => word(cursor));
  const decimals = kind === 1 ? byte(cursor) : 0;
  const changed = readMap(cursor, (head >> 3) & 3, count);
  const kept = changed.filter(Boolean).length;
  const exceptions = (head & 32) === 0 ? new Map<number, bigint>() : readExceptions(cursor);
  let distinct: bigint[];
  if (kind === 3) {
    const first = word(cursor);
    const highs = column(cursor, count);
    const lows = column(cursor, count);
    distinct = highs.map((high, i) => (((first >> 32n) + high) << 32n) | ((first & 0xffffffffn) + lows[i]!));
  } else if (kind === 7) {
    const [offset, step] = [numberOf(word(cursor)), numberOf(word(cursor))];
    const first = signedVarint(cursor);
    const multiples = column(cursor, count);
    const firstCorrection = signedVarint(cursor);
    const corrections = column(cursor, count);
    distinct = multiples.map(
      (multiple, i) => bitsOf(offset + Number(first + multiple) * step) + firstCorrection + corrections[i]!,
    );
  } else if (kind === 6) {
    const reference = referenceOf(varint(cursor)).map(numberOf);
    const factor = varint(cursor);
    let entry = signedVarint(cursor);
    distinct = column(cursor, count).map((residual, i) => {
      if (i === 0) return bitsOf(Number(entry));
      const step = reference[i]! - reference[i - 1]!;
      const expected = Math.abs(step) < 2 ** 44 ? Math.floor((step * factor) / 65536 + 0.5) : 0;
      entry += residual + BigInt(expected);
      return bitsOf(Number(entry));
    });
  } else {
    const first = kind === 2 ? word(cursor) : signedVarint(cursor);
    const divisor = (head & 64) === 0 ? 1n : BigInt(varint(cursor));
    const entries = ((head >> 3) & 3) === 3 ? [0n] : column(cursor, kept);
    const integers = entries.map((entry) => first + entry * divisor);
    distinct =
      kind === 2 ? integers : integers.map((integer) => bitsOf(Number(integer) / Number(10n ** BigInt(decimals))));
  }
  if (cursor.at !== bytes.length) throw new Error(`${bytes.length - cursor.at} bytes are left`);
  let place = -1;
  return changed.map((isChanged, i) => {
    if (isChanged) place++;
    return exceptions.get(i) ?? distinct[place]!;
  });
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

export function bitsOf(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0]!;
}

function numberOf(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0]!;
}

function byte(cursor: Cursor): number {
  return cursor.bytes[cursor.at++]!;
}

function bigVarint(cursor: Cursor, firstBits: bigint): [bigint, number] {
  const first = byte(cursor);
  let value = BigInt(first) & ((1n << firstBits) - 1n);
  let shift = firstBits;
  for (let next = first; (next & 128) !== 0; shift += 7n) {
    next = byte(cursor);
    value |= BigInt(next & 127) << shift;
  }
  return [value, first];
}

function varint(cursor: Cursor): number {
  return Number(bigVarint(cursor, 7n)[0]);
}

function signedVarint(cursor: Cursor): bigint {
  const [magnitude, first] = bigVarint(cursor, 6n);
  return (first & 64) === 0 ? magnitude : -magnitude;
}

function word(cursor: Cursor): bigint {
  let value = 0n;
  for (let i = 0n; i < 64n; i += 8n) value |= BigInt(byte(cursor)) << i;
  return value;
}

/** `count` numbers of `width` bits. */
function bits(cursor: Cursor, count: number, width: number): bigint[] {
  const numbers = Array.from({ length: count }, (_, i) => {
    let number = 0n;
    for (let bit = 0; bit < width; bit++) {
      const place = i * width + bit;
      if (((cursor.bytes[cursor.at + (place >> 3)]! >> (place & 7)) & 1) === 1) number |= 1n << BigInt(bit);
    }
    return number;
  });
  cursor.at += Math.ceil((count * width) / 8);
  return numbers;
}

function readMap(cursor: Cursor, map: number, count: number): boolean[] {
  const changed = new Array<boolean>(count).fill(map === 0);
  changed[0] = true;
  if (map === 1) for (const [i, bit] of bits(cursor, count - 1, 1).entries()) changed[i + 1] = bit === 1n;
  if (map === 2) {
    let place = 0;
    for (let left = varint(cursor); left > 0; left--) changed[(place += varint(cursor) + 1)] = true;
  }
  return changed;
}

function readExceptions(cursor: Cursor): Map<number, bigint> {
  const known = [
    0n,
    0x7ff0000000000002n,
    0x7ff8000000000001n,
    0x8000000000000000n,
    0n,
    0x7ff0000000000000n,
    0xfff0000000000000n,
  ];
  const exceptions = new Map<number, bigint>();
  let place = 0;
  for (let left = varint(cursor); left > 0; left--) {
    place += varint(cursor);
    const code = byte(cursor);
    exceptions.set(place, code === 0 ? word(cursor) : known[code]!);
  }
  return exceptions;
}

/** Symbols by walking from state to state, with lists instead of tables. */
function symbols(cursor: Cursor, count: number): number[] {
  const head = byte(cursor);
  const kinds = head & 31;
  const shares = Array.from({ length: kinds }, (_, i) =>
    head < 32 ? byte(cursor) : Math.floor((256 * (i + 1)) / kinds) - Math.floor((256 * i) / kinds),
  );
  const owners = new Array<number>(256);
  shares
    .flatMap((share, symbol) => new Array<number>(share).fill(symbol))
    .forEach((symbol, i) => {
      owners[(i * 163) % 256] = symbol;
    });
  const bytes = varint(cursor);
  const states = [byte(cursor), byte(cursor)];
  const stream = bits(cursor, (bytes - 2) * 8, 1);
  let at = 0;
  const read = Array.from({ length: count }, (_, i) => {
    const state = states[i % 2]!;
    const symbol = owners[state]!;
    let x = shares[symbol]! + owners.slice(0, state).filter((owner) => owner === symbol).length;
    const start = at;
    while (x < 256) {
      x *= 2;
      at++;
    }
    for (let bit = start; bit < at; bit++) x += Number(stream[bit]!) << (bit - start);
    states[i % 2] = x - 256;
    return symbol;
  });
  if (states[0] !== 0 || states[1] !== 0 || stream.length - at > 7) throw new Error('symbols that do not end');
  return read;
}

function column(cursor: Cursor, count: number): bigint[] {
  const head = byte(cursor);
  const order = head & 3;
  const size = head >> 2 === 4 ? count : 32 << (head >> 2);
  const starts = order === 2 ? [0n, signedVarint(cursor)] : order === 1 ? [0n] : [];
  const entries = [...starts];
  while (entries.length < count) {
    const form = byte(cursor);
    const base = signedVarint(cursor);
    const block = Math.min(size, count - entries.length);
    const outliers = new Map<number, bigint>();
    let place = 0;
    for (let left = (form & 64) === 0 ? 0 : varint(cursor); left > 0; left--) {
      place += varint(cursor);
      outliers.set(place, signedVarint(cursor));
    }
    const packed = bits(cursor, block, form & 63);
    const highs = form < 128 ? packed.map(() => 0) : symbols(cursor, block);
    entries.push(...packed.map((low, i) => base + (outliers.get(i) ?? low + (BigInt(highs[i]!) << BigInt(form & 63)))));
  }
  for (let level = order; level > 0; level--) {
    for (let i = level; i < count; i++) entries[i] = entries[i]! + entries[i - 1]!;
  }
  return entries;
}
