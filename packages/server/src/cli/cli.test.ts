import { describe, expect, it } from 'vitest';
import { type CliSpec, parseCli } from './cli.ts';

const spec: CliSpec = {
  name: 'opendata-log',
  version: '0.1.0',
  summary: 'A stream for every key.',
  defaultCommand: 'serve',
  commands: {
    serve: {
      summary: 'Run the server',
      flags: {
        config: { type: 'string', short: 'c', env: 'LOG_CONFIG', valueName: 'FILE', help: 'Configuration file' },
        port: { type: 'port', short: 'p', env: 'LOG_PORT', default: 8080, help: 'Port to listen on' },
        'read-only': { type: 'boolean', env: 'LOG_READ_ONLY', help: 'Serve reads only' },
        'max-lag': { type: 'duration', default: '30s', help: 'How far a reader may lag' },
        workers: { type: 'integer', min: 1, help: 'Worker threads' },
        store: { type: 'string', choices: ['folder', 's3'], default: 'folder', help: 'Where data goes' },
        label: { type: 'list', help: 'A label of this server' },
      },
    },
    'query range': {
      summary: 'Evaluate over time',
      flags: { step: { type: 'duration', default: '1m', help: 'Step' } },
      positionals: [{ name: 'EXPR', help: 'the expression' }],
    },
    'query labels': { summary: 'List labels', flags: {} },
    append: {
      summary: 'Append records',
      flags: { url: { type: 'string', default: 'http://localhost:8080', help: 'Server' } },
      positionals: [
        { name: 'KEY', help: 'the key to append to' },
        { name: 'VALUE', help: 'the values', optional: true, variadic: true },
      ],
    },
  },
};

function run(argv: string[], env: Record<string, string> = {}) {
  const result = parseCli(spec, argv, env);
  if (result.kind === 'exit') throw new Error(`exit ${result.code}: ${result.text}`);
  return result;
}

function exit(argv: string[], env: Record<string, string> = {}) {
  const result = parseCli(spec, argv, env);
  if (result.kind !== 'exit') throw new Error('expected an exit');
  return result;
}

describe('values', () => {
  it('are defaults when nothing is given', () => {
    expect(run([])).toEqual({
      kind: 'command',
      command: 'serve',
      positionals: [],
      values: {
        config: undefined,
        port: 8080,
        'read-only': false,
        'max-lag': 30_000,
        workers: undefined,
        store: 'folder',
        label: [],
      },
    });
  });

  it('come from long and short flags, with and without =', () => {
    expect(run(['--config', 'a.yml', '--port=1', '--read-only', '--max-lag', '1m']).values).toMatchObject({
      config: 'a.yml',
      port: 1,
      'read-only': true,
      'max-lag': 60_000,
    });
    expect(run(['-c', 'a.yml', '-p', '0', '--read-only=false', '--workers=2']).values).toMatchObject({
      config: 'a.yml',
      port: 0,
      'read-only': false,
      workers: 2,
    });
  });

  it('come from the environment unless a flag says otherwise', () => {
    const env = { LOG_PORT: '81', LOG_CONFIG: 'env.yml', LOG_READ_ONLY: '1' };
    expect(run([], env).values).toMatchObject({ port: 81, config: 'env.yml', 'read-only': true });
    expect(run(['-p', '82', '--read-only=no'], env).values).toMatchObject({ port: 82, 'read-only': false });
    expect(run([], { LOG_PORT: ' ', LOG_CONFIG: '' }).values).toMatchObject({ port: 8080, config: undefined });
  });

  it('are the last of several, or all of a list', () => {
    expect(run(['-p', '1', '-p', '2', '--label', 'a=b', '--label=c']).values).toMatchObject({
      port: 2,
      label: ['a=b', 'c'],
    });
  });

  it('belong to the command that is named', () => {
    expect(run(['append', 'k', 'v1', 'v2', '--url=x'])).toEqual({
      kind: 'command',
      command: 'append',
      positionals: ['k', 'v1', 'v2'],
      values: { url: 'x' },
    });
    expect(run(['append', '--', '--k']).positionals).toEqual(['--k']);
    expect(run(['serve', '-p', '5']).values['port']).toBe(5);
  });
});

describe('a wrong command line exits with 2 and says why', () => {
  it.each([
    [['--prot', '1'], 'unknown flag --prot, did you mean --port?'],
    [['--xyzzy'], 'unknown flag --xyzzy'],
    [['-x'], 'unknown flag -x'],
    [['--constructor'], 'unknown flag --constructor'],
    [['--port'], '--port needs a value'],
    [['--config'], '--config needs a value: --config FILE'],
    [['--config', '--port', '1'], '--config needs a value: --config FILE'],
    [['--config='], '--config: expected a value, found ""'],
    [['--port', '65536'], '--port: expected a port from 0 to 65535, found "65536"'],
    [['--port', '-1'], '--port: expected a port from 0 to 65535, found "-1"'],
    [['--port', '1e3'], '--port: expected a port from 0 to 65535, found "1e3"'],
    [['--workers', '0'], '--workers: expected a whole number of at least 1, found "0"'],
    [['--max-lag', '5'], '--max-lag: not a valid duration string: "5"'],
    [['--store', 'tape'], '--store: expected one of folder, s3, found "tape"'],
    [['--read-only=maybe'], '--read-only: expected true or false, found "maybe"'],
    [['apend'], 'unexpected argument "apend", did you mean append?'],
    [['max-lag'], 'unexpected argument "max-lag", did you mean --max-lag?'],
    [['append'], 'KEY is missing: the key to append to'],
    [['append', 'k', '--prot'], 'unknown flag --prot'],
  ])('%j', (argv, message) => {
    const { code, text } = exit(argv);
    expect(code).toBe(2);
    expect(text.split('\n')[0]).toBe(`opendata-log: ${message}`);
    expect(text).toContain("--help'.");
  });

  it('names the variable when the environment is wrong', () => {
    expect(exit([], { LOG_PORT: 'http' }).text).toContain('LOG_PORT: expected a port from 0 to 65535, found "http"');
  });
});

describe('help and version', () => {
  it('lists commands and flags with their defaults and variables', () => {
    const { code, text } = exit(['--help']);
    expect(code).toBe(0);
    expect(text).toBe(`A stream for every key.

Usage: opendata-log [FLAGS]

Commands:
  serve         Run the server (the default)
  query range   Evaluate over time
  query labels  List labels
  append        Append records

Flags:
  -c, --config FILE       Configuration file [env LOG_CONFIG]
  -p, --port PORT         Port to listen on [default 8080, env LOG_PORT]
      --read-only         Serve reads only [env LOG_READ_ONLY]
      --max-lag DURATION  How far a reader may lag [default 30s]
      --workers INTEGER   Worker threads
      --store STRING      Where data goes [one of folder, s3, default folder]
      --label LIST        A label of this server [may be repeated]
  -h, --help              Print this help and exit
      --version           Print the version and exit
`);
  });

  it('is about the command that is named', () => {
    expect(exit(['append', '-h']).text).toContain('Usage: opendata-log append [FLAGS] KEY [VALUE...]\n');
  });

  it('prints the version', () => {
    expect(exit(['--version'])).toEqual({ kind: 'exit', code: 0, text: 'opendata-log 0.1.0\n' });
    expect(exit(['append', '--version']).text).toBe('opendata-log 0.1.0\n');
  });

  it('wins over other mistakes in values, not over unknown flags', () => {
    expect(exit(['--port', 'x', '--help']).code).toBe(0);
    expect(exit(['--prot', '--help']).code).toBe(2);
  });
});

describe('a command of two words', () => {
  it('is one of a group', () => {
    expect(run(['query', 'range', 'up', '--step=5s'])).toEqual({
      kind: 'command',
      command: 'query range',
      positionals: ['up'],
      values: { step: 5000 },
    });
    expect(exit(['query', 'range', '--help']).text).toContain('Usage: opendata-log query range [FLAGS] EXPR\n');
  });

  it('is asked for when it is missing or wrong', () => {
    const { code, text } = exit(['query', '--help']);
    expect(code).toBe(0);
    expect(text).toContain('Usage: opendata-log query COMMAND [FLAGS]\n');
    expect(text).toContain('query labels  List labels\n');
    expect(text).not.toContain('append');
    expect(exit(['query'])).toEqual({ kind: 'exit', code: 2, text });
    expect(exit(['query', 'rage']).text).toBe(
      "opendata-log: unknown command rage of query, did you mean range?\nTry 'opendata-log query --help'.\n",
    );
    expect(exit(['query', '--step', '1m']).text).toContain('unknown flag --step of query');
  });
});

describe('a CLI without a default command', () => {
  const { defaultCommand: _default, ...bare } = spec;
  it('prints its help when nothing is asked', () => {
    expect(parseCli(bare, [], {})).toMatchObject({ kind: 'exit', code: 2 });
    expect(parseCli(bare, ['--help'], {})).toMatchObject({ kind: 'exit', code: 0 });
    expect(parseCli(bare, ['aped'], {})).toMatchObject({
      code: 2,
      text: expect.stringContaining('unknown command aped'),
    });
  });
});
