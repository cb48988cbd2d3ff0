import fc from 'fast-check';

/** One way to damage bytes. */
type Mutation =
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'remove'; readonly at: number; readonly count: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array };

const position = fc.nat({ max: 1 << 20 });

/** A few mutations, to be applied to any bytes by `mutate`. */
export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('set' as const), at: position, byte: fc.nat(255) }),
    fc.record({ kind: fc.constant('flip' as const), at: position, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant('cut' as const), at: position }),
    fc.record({ kind: fc.constant('remove' as const), at: position, count: fc.integer({ min: 1, max: 8 }) }),
    fc.record({
      kind: fc.constant('insert' as const),
      at: position,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
    }),
  ),
  { minLength: 1, maxLength: 4 },
);

export function mutate(bytes: Uint8Array, list: readonly Mutation[]): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (const mutation of list) {
    const at = result.length === 0 ? 0 : mutation.at % result.length;
    if (mutation.kind === 'set' && result.length > 0) result[at] = mutation.byte;
    else if (mutation.kind === 'flip' && result.length > 0) result[at]! ^= 1 << mutation.bit;
    else if (mutation.kind === 'cut') result = result.slice(0, at);
    else if (mutation.kind === 'remove') {
      result = Uint8Array.from([...result.subarray(0, at), ...result.subarray(at + mutation.count)]);
    } else if (mutation.kind === 'insert') {
      result = Uint8Array.from([...result.subarray(0, at), ...mutation.bytes, ...result.subarray(at)]);
    }
  }
  return result;
}
