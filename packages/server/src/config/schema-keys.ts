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
  readonly getter?: () => z.core.$ZodType;
}

/** The keys that mappings at `path` may have; of every member where the schema is a union. */
export function schemaKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  let reached = unwrap(schema);
  for (const step of path) reached = reached.flatMap((definition) => stepInto(definition, step));
  return [...new Set(reached.flatMap(({ shape }) => Object.keys(shape ?? {})))];
}

/** Through optional, default, transform and union to the definitions that hold data. */
function unwrap(schema: z.core.$ZodType): SchemaDefinition[] {
  const definition = schema._zod.def as unknown as SchemaDefinition;
  const inner = [definition.innerType, definition.in, definition.left, definition.right, definition.getter?.()];
  const nested = [...inner, ...(definition.type === 'union' ? definition.options! : [])].filter(
    (part) => part !== undefined,
  );
  return nested.length === 0 ? [definition] : nested.flatMap(unwrap);
}

function stepInto({ type, shape, element, valueType }: SchemaDefinition, step: PropertyKey): SchemaDefinition[] {
  const inner = type === 'object' ? shape?.[String(step)] : type === 'array' ? element : valueType;
  return inner === undefined ? [] : unwrap(inner);
}
