import type { z } from 'zod';

/** What the inside of a schema may hold, as far as finding its keys needs it. */
interface SchemaDefinition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly left?: z.core.$ZodType;
  readonly right?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  /** Of a union whose members differ by the value of this key. */
  readonly discriminator?: string;
  readonly values?: readonly unknown[];
  readonly getter?: () => z.core.$ZodType;
}

/** The keys that mappings at `path` may have; of every member where the schema is a union. */
export function schemaKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  let reached = unwrap(schema);
  for (const step of path) reached = reached.flatMap((definition) => stepInto(definition, step));
  return keysOf(reached);
}

export interface MemberKeys {
  /** `type Aws`: the key that says which member is meant, and its value. */
  readonly member: string;
  readonly keys: readonly string[];
}

/** {@link schemaKeys} of the one member of a union that `value` says it is; `undefined` where there is no such union. */
export function memberKeys(
  schema: z.core.$ZodType,
  path: readonly PropertyKey[],
  value: unknown,
): MemberKeys | undefined {
  let reached = unwrap(schema, true);
  for (const step of path) reached = reached.flatMap((definition) => stepInto(definition, step, true));
  const union = reached.find(({ discriminator }) => discriminator !== undefined);
  if (union === undefined || typeof value !== 'object' || value === null) return undefined;
  const name = union.discriminator!;
  const chosen = (value as Readonly<Record<string, unknown>>)[name];
  const members = union.options!.flatMap((option) => unwrap(option));
  const member = members.filter(({ shape }) => unwrap(shape![name]!)[0]!.values?.includes(chosen));
  return member.length === 0 ? undefined : { member: `${name} ${String(chosen)}`, keys: keysOf(member) };
}

/** Without those that are only there to be refused in words of their own. */
function keysOf(definitions: readonly SchemaDefinition[]): readonly string[] {
  const taken = definitions.flatMap(({ shape }) =>
    Object.entries(shape ?? {}).filter(([, value]) => unwrap(value).some(({ type }) => type !== 'undefined')),
  );
  return [...new Set(taken.map(([key]) => key))];
}

/**
 * Through optional, default, transform and union to the definitions that hold data.
 * @param keepsMembers a union whose members differ by a key stays as it is
 */
function unwrap(schema: z.core.$ZodType, keepsMembers = false): SchemaDefinition[] {
  const definition = schema._zod.def as unknown as SchemaDefinition;
  if (keepsMembers && definition.discriminator !== undefined) return [definition];
  const inner = [definition.innerType, definition.in, definition.left, definition.right, definition.getter?.()];
  const nested = [...inner, ...(definition.type === 'union' ? definition.options! : [])].filter(
    (part) => part !== undefined,
  );
  return nested.length === 0 ? [definition] : nested.flatMap((part) => unwrap(part, keepsMembers));
}

function stepInto(definition: SchemaDefinition, step: PropertyKey, keepsMembers = false): SchemaDefinition[] {
  const { type, shape, element, valueType, discriminator, options } = definition;
  if (discriminator !== undefined) {
    return options!.flatMap((option) => unwrap(option)).flatMap((each) => stepInto(each, step, keepsMembers));
  }
  const inner = type === 'object' ? shape?.[String(step)] : type === 'array' ? element : valueType;
  return inner === undefined ? [] : unwrap(inner, keepsMembers);
}
