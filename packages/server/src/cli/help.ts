import type { CliSpec, CommandSpec } from './cli.ts';
import type { Flag } from './flags.ts';

const HELP_WIDTH = 100;

/** The text of `--help`: of one command, or of all when none is chosen. */
export function helpText(spec: CliSpec, command?: string): string {
  const names = Object.keys(spec.commands);
  if (command === undefined) {
    return `${spec.summary}\n\nUsage: ${spec.name} COMMAND [FLAGS]\n${commandList(spec)}\n${commonText()}`;
  }
  const commandSpec = spec.commands[command]!;
  const isDefault = command === spec.defaultCommand;
  const called = isDefault ? spec.name : `${spec.name} ${command}`;
  const summary = isDefault ? spec.summary : commandSpec.summary;
  const others = isDefault && names.length > 1 ? commandList(spec) : '';
  return `${summary}\n\nUsage: ${called} [FLAGS]${positionalUsage(commandSpec)}\n${others}${positionalText(commandSpec)}\nFlags:\n${flagText(commandSpec)}`;
}

/** The help of a group: the commands whose names begin with its word. */
export function groupHelpText(spec: CliSpec, group: string): string {
  const commands = Object.entries(spec.commands).filter(([name]) => name.startsWith(`${group} `));
  return `Usage: ${spec.name} ${group} COMMAND [FLAGS]\n${commandList({ ...spec, commands: Object.fromEntries(commands) })}\n${commonText()}`;
}

function commandList(spec: CliSpec): string {
  const rows = Object.entries(spec.commands).map(
    ([name, { summary }]): Row => [name, name === spec.defaultCommand ? `${summary} (the default)` : summary],
  );
  return `\nCommands:\n${table(rows)}`;
}

function positionalUsage({ positionals = [] }: CommandSpec): string {
  return positionals
    .map(({ name, optional, variadic }) => {
      const shown = variadic ? `${name}...` : name;
      return optional ? ` [${shown}]` : ` ${shown}`;
    })
    .join('');
}

function positionalText({ positionals = [] }: CommandSpec): string {
  if (positionals.length === 0) return '';
  return `\nArguments:\n${table(positionals.map(({ name, help }): Row => [name, help]))}`;
}

function flagText({ flags }: CommandSpec): string {
  return table([...Object.entries(flags).map(flagRow), ...COMMON_ROWS]);
}

type Row = readonly [string, string];

const COMMON_ROWS: readonly Row[] = [
  ['-h, --help', 'Print this help and exit'],
  ['    --version', 'Print the version and exit'],
];

function commonText(): string {
  return `Flags:\n${table(COMMON_ROWS)}`;
}

function flagRow([name, flag]: [string, Flag]): Row {
  const notes: string[] = [];
  if (flag.type === 'string' && flag.choices) notes.push(`one of ${flag.choices.join(', ')}`);
  if (flag.type === 'list') notes.push('may be repeated');
  if ('default' in flag && flag.default !== undefined && flag.default !== false) notes.push(`default ${flag.default}`);
  if (flag.env !== undefined) notes.push(`env ${flag.env}`);
  const value = flag.type === 'boolean' ? '' : ` ${flag.valueName ?? flag.type.toUpperCase()}`;
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  return [`${short}--${name}${value}`, notes.length === 0 ? flag.help : `${flag.help} [${notes.join(', ')}]`];
}

/** Two aligned columns; the second wraps. */
function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([first]) => first.length)) + 2;
  return rows.map(([first, second]) => `  ${first.padEnd(width)}${wrap(second, width + 2)}\n`).join('');
}

function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > HELP_WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}
