import { parseArgs } from 'node:util';
import type { Environment } from '../config/env.ts';
import { didYouMean } from '../suggest.ts';
import { CliError, type Flags, type GivenFlags, readFlags } from './flags.ts';
import { groupHelpText, helpText } from './help.ts';

export interface Positional {
  readonly name: string;
  readonly help: string;
  readonly optional?: boolean;
  /** Takes all that follow; only for the last. */
  readonly variadic?: boolean;
}

export interface CommandSpec {
  readonly summary: string;
  readonly flags: Flags;
  readonly positionals?: readonly Positional[];
}

export interface CliSpec {
  /** The command's name, as `opendata-log`. */
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  /** By name; a name of two words, as `query range`, is a command of the group `query`. */
  readonly commands: Readonly<Record<string, CommandSpec>>;
  /** Runs when the first argument names no command. */
  readonly defaultCommand?: string;
}

/** The command to run. */
export interface CliCommand {
  readonly kind: 'command';
  readonly command: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

/** Nothing to run: help or version was asked for (code 0), or the command line is wrong (code 2). */
export interface CliExit {
  readonly kind: 'exit';
  readonly code: 0 | 2;
  /** For standard output when the code is 0, else for standard error. */
  readonly text: string;
}

const COMMON_FLAGS: Flags = {
  help: { type: 'boolean', short: 'h', help: 'Print this help and exit' },
  version: { type: 'boolean', help: 'Print the version and exit' },
};

/** Reads a command line without touching the process. */
export function parseCli(spec: CliSpec, argv: readonly string[], env: Environment): CliCommand | CliExit {
  const { command, group, rest } = chooseCommand(spec, argv);
  try {
    if (group !== undefined) return aboutGroup(spec, group, rest);
    if (command === undefined) {
      if (rest.includes('--version')) return exitOk(`${spec.name} ${spec.version}`);
      if (rest.length > 0 && !rest.includes('--help') && !rest.includes('-h')) throw unknownCommand(spec, rest[0]!);
      return { kind: 'exit', code: rest.length > 0 ? 0 : 2, text: helpText(spec) };
    }
    const commandSpec = spec.commands[command]!;
    const flags = { ...commandSpec.flags, ...COMMON_FLAGS };
    const { given, positionals } = readArguments(flags, rest);
    const own = new Map([...given].filter(([name]) => name in COMMON_FLAGS));
    const asked = readFlags(COMMON_FLAGS, own, {});
    if (asked['help'] === true) return exitOk(helpText(spec, command));
    if (asked['version'] === true) return exitOk(`${spec.name} ${spec.version}`);
    checkPositionals(spec, command, positionals);
    return { kind: 'command', command, values: readFlags(commandSpec.flags, given, env), positionals };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const about = group ?? command;
    const help = `${spec.name}${about === undefined || about === spec.defaultCommand ? '' : ` ${about}`} --help`;
    return { kind: 'exit', code: 2, text: `${spec.name}: ${error.message}\nTry '${help}'.\n` };
  }
}

function exitOk(text: string): CliExit {
  return { kind: 'exit', code: 0, text: text.endsWith('\n') ? text : `${text}\n` };
}

interface Choice {
  readonly command?: string | undefined;
  /** The first word of commands of two words, when no command of the group is named. */
  readonly group?: string | undefined;
  readonly rest: readonly string[];
}

function chooseCommand(spec: CliSpec, argv: readonly string[]): Choice {
  const [first, second, ...others] = argv;
  if (first !== undefined && Object.hasOwn(spec.commands, first)) return { command: first, rest: argv.slice(1) };
  const both = `${first} ${second}`;
  if (second !== undefined && Object.hasOwn(spec.commands, both)) return { command: both, rest: others };
  if (first !== undefined && commandsOf(spec, first).length > 0) return { group: first, rest: argv.slice(1) };
  return { command: spec.defaultCommand, rest: argv };
}

/** The second words of a group's commands. */
function commandsOf(spec: CliSpec, group: string): string[] {
  const start = `${group} `;
  return Object.keys(spec.commands).flatMap((name) => (name.startsWith(start) ? [name.slice(start.length)] : []));
}

function aboutGroup(spec: CliSpec, group: string, rest: readonly string[]): CliExit {
  const [word] = rest;
  if (word === undefined || word === '--help' || word === '-h') {
    return { kind: 'exit', code: word === undefined ? 2 : 0, text: groupHelpText(spec, group) };
  }
  if (word === '--version') return exitOk(`${spec.name} ${spec.version}`);
  const kind = word.startsWith('-') ? 'flag' : 'command';
  const hint = didYouMean(word, commandsOf(spec, group)).replaceAll('"', '');
  throw new CliError(`unknown ${kind} ${word} of ${group}${hint}`);
}

function readArguments(flags: Flags, argv: readonly string[]): { given: GivenFlags; positionals: string[] } {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(flags).map(([name, { type, short }]) => [
        name,
        { type: type === 'boolean' ? ('boolean' as const) : ('string' as const), ...(short && { short }) },
      ]),
    ),
  });
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = flags[token.name];
    if (flag === undefined || !Object.hasOwn(flags, token.name)) throw unknownFlag(token.rawName, flags);
    let { value } = token;
    if (flag.type === 'boolean') value ??= 'true';
    else if (value === undefined || (!token.inlineValue && /^--?[a-z]/i.test(value))) {
      throw new CliError(
        `${token.rawName} needs a value${flag.valueName ? `: ${token.rawName} ${flag.valueName}` : ''}`,
      );
    }
    given.set(token.name, [...(given.get(token.name) ?? []), value]);
  }
  return { given, positionals };
}

function unknownFlag(rawName: string, flags: Flags): CliError {
  const name = rawName.replace(/^-+/, '');
  const suggestion = didYouMean(name, Object.keys(flags)).replace(/"(.*)"/, '--$1');
  return new CliError(`unknown flag ${rawName}${suggestion}`);
}

function unknownCommand(spec: CliSpec, word: string): CliError {
  const kind = word.startsWith('-') ? 'flag' : 'command';
  return new CliError(`unknown ${kind} ${word}${didYouMean(word, Object.keys(spec.commands)).replaceAll('"', '')}`);
}

function checkPositionals(spec: CliSpec, command: string, found: readonly string[]): void {
  const { positionals: expected = [], flags } = spec.commands[command]!;
  if (found.length > expected.length && expected.at(-1)?.variadic !== true) {
    const extra = found[expected.length]!;
    const commands = Object.keys(spec.commands);
    const isFlag = Object.hasOwn(flags, extra);
    const meant = commands.length > 1 ? didYouMean(extra, commands).replaceAll('"', '') : '';
    const hint = isFlag ? `, did you mean --${extra}?` : expected.length === 0 ? meant : '';
    throw new CliError(`unexpected argument ${JSON.stringify(extra)}${hint}`);
  }
  const missing = expected.find(({ optional }, i) => optional !== true && i >= found.length);
  if (missing !== undefined) throw new CliError(`${missing.name} is missing: ${missing.help}`);
}
