/** What a configuration file may have, key by key, out of the schema that checks it. */

/**
 * @param {object} schema a mapping, of zod
 * @param {Readonly<Record<string, unknown>>} defaults of keys whose schema has none, by path
 * @returns {{path: string, type: string, unit: string, defaultValue: string, meaning: string}[]}
 */
export function configurationRows(schema, defaults = {}) {
  const rows = [];
  const places = new Map();
  visitMapping(unwrap(schema).definition, '', (row) => rows.push(row), { defaults, places });
  return rows;
}

/** Keys that are there to be refused with what to do instead. */
export function refusedKeys(schema) {
  return Object.entries(unwrap(schema).definition.shape ?? {})
    .filter(([, value]) => unwrap(value).definition.type === 'undefined')
    .map(([key]) => key);
}

function visitMapping({ shape }, prefix, emit, context) {
  for (const [key, value] of Object.entries(shape)) visit(`${prefix}${key}`, value, emit, context);
}

function visit(path, schema, emit, context) {
  const { definition, inner, description = '', unit = '', isOptional, defaultValue } = unwrap(schema);
  if (definition.type === 'undefined') return;
  const row = {
    path,
    type: typeOf(definition, unit),
    unit: unitOf(unit),
    defaultValue: defaultOf(path, { definition, unit, isOptional, defaultValue }, context.defaults),
    meaning: description,
  };
  const nested = nestedOf(definition, inner);
  if (nested === undefined) return emit(row);
  // The same section in several places is written out once.
  const known = context.places.get(nested.schema);
  if (known !== undefined && known !== path)
    return emit({ ...row, meaning: `${description}. Keys: as of \`${known}\`` });
  context.places.set(nested.schema, path);
  emit(row);
  const below = `${path}${nested.suffix}.`;
  if (nested.definition.type === 'union') visitUnion(nested.definition, below, emit, context);
  else visitMapping(nested.definition, below, emit, context);
}

/** One mapping of several, told apart by `type`. Keys that all of them have are written once. */
function visitUnion({ options, discriminator }, prefix, emit, context) {
  const members = options.map((option) => ({ ...unwrap(option).definition.shape }));
  const names = members.map((member) => unwrap(member[discriminator]));
  emit({
    path: `${prefix}${discriminator}`,
    type: choices(names.map(({ definition }) => definition.values[0])),
    unit: '',
    defaultValue: 'required',
    meaning: names.map(({ definition, description }) => `\`${definition.values[0]}\`: ${description}`).join('. '),
  });
  const written = new Set();
  for (const [i, member] of members.entries()) {
    for (const [key, value] of Object.entries(member)) {
      if (key === discriminator || written.has(value)) continue;
      const isShared = members.every((other) => other[key] === value);
      if (isShared) written.add(value);
      const of = `**${names[i].definition.values[0]}**: `;
      const add = (row) =>
        emit(isShared || row.path !== `${prefix}${key}` ? row : { ...row, meaning: of + row.meaning });
      visit(`${prefix}${key}`, value, add, context);
    }
  }
}

/** The mapping below a key, if there is one, and what stands behind the key in the paths of its keys. */
function nestedOf(definition, schema) {
  if (definition.type === 'object') return { definition, schema, suffix: '' };
  if (definition.type === 'union' && definition.discriminator !== undefined) return { definition, schema, suffix: '' };
  if (definition.type !== 'array') return undefined;
  const { definition: element, inner } = unwrap(definition.element);
  return element.type === 'object' ? { definition: element, schema: inner, suffix: '[]' } : undefined;
}

/** Through optional, default and transform to the schema of the data, with what is said on the way. */
function unwrap(schema) {
  const found = { isOptional: false };
  for (let at = schema; ; ) {
    const { description, unit } = at.meta?.() ?? {};
    found.description ??= description;
    found.unit ??= unit;
    const definition = at._zod.def;
    if (definition.type === 'optional' || definition.type === 'nullable') found.isOptional = true;
    if ('defaultValue' in definition) {
      found.isOptional = true;
      found.defaultValue ??= definition.defaultValue;
    }
    const next = definition.innerType ?? (definition.type === 'pipe' ? pipeEnd(definition) : undefined);
    if (next === undefined) return { ...found, definition, inner: at };
    at = next;
  }
}

/** Of a text that is changed and then checked, the check says what it may be. */
function pipeEnd({ in: before, out: after }) {
  return after._zod.def.type === 'transform' ? before : after;
}

function typeOf(definition, unit) {
  if (unit === 'duration' || unit === 'size') return unit;
  switch (definition.type) {
    case 'string':
      return 'text';
    case 'int':
      return 'whole number';
    case 'number':
      return definition.format === 'safeint' || definition.format === 'int' ? 'whole number' : 'number';
    case 'boolean':
      return '`true`, `false`';
    case 'literal':
      return choices(definition.values);
    case 'enum':
      return choices(Object.values(definition.entries));
    case 'array': {
      const element = unwrap(definition.element);
      return element.definition.type === 'object' ? 'list' : `list of ${plural(typeOf(element.definition, ''))}`;
    }
    case 'record':
      return `mapping to ${plural(typeOf(unwrap(definition.valueType).definition, ''))}`;
    case 'object':
      return 'mapping';
    default:
      return definition.discriminator === undefined ? 'number' : 'mapping';
  }
}

function plural(type) {
  return type === 'text' ? 'texts' : type;
}

function unitOf(unit) {
  if (unit === 'duration') return 'such as `90s`, `1h30m`';
  if (unit === 'size') return 'bytes, or such as `64MB`';
  return unit;
}

function choices(values) {
  return values.map((value) => `\`${value}\``).join(', ');
}

function defaultOf(path, { definition, unit, isOptional, defaultValue }, defaults) {
  const value = defaults[path] ?? defaultValue;
  if (value === undefined) return isOptional ? '' : 'required';
  if (definition.type === 'object') return '';
  if (Array.isArray(value)) return value.length === 0 ? '' : `\`${JSON.stringify(value)}\``;
  if (typeof value === 'object') return '';
  return `\`${printed(value, unit)}\``;
}

function printed(value, unit) {
  if (typeof value !== 'number') return value;
  if (unit === 'duration') return duration(value);
  return unit === 'size' ? size(value) : String(value);
}

function duration(valueMs) {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ];
  const [name, unitMs] = units.find(([, each]) => valueMs >= each && valueMs % each === 0) ?? ['ms', 1];
  return `${valueMs / unitMs}${name}`;
}

function size(bytes) {
  const units = [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ];
  const [name, unitBytes] = units.find(([, each]) => bytes >= each && bytes % each === 0) ?? ['B', 1];
  return `${bytes / unitBytes}${name}`;
}
