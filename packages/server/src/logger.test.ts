import { describe, expect, it } from 'vitest';
import { levelFor, parseLogLevels } from './log-levels.ts';
import { readableLine } from './log-readable.ts';
import { createLogger } from './logger.ts';

function record(env: Record<string, string> = {}) {
  const lines: string[] = [];
  const logger = createLogger({
    service: 'opendata-test',
    env,
    destination: { write: (line) => void lines.push(line) },
  });
  const events = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { logger, lines, events };
}

describe('an event', () => {
  it('is one line of JSON with level, time, service, fields and message', () => {
    const { logger, lines, events } = record();
    logger.info({ port: 9090, text: 'two\nlines' }, 'listening');
    expect(lines[0]!.endsWith('}\n')).toBe(true);
    expect(lines[0]!.trimEnd()).not.toContain('\n');
    expect(events()[0]).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: 'opendata-test',
      port: 9090,
      text: 'two\nlines',
      msg: 'listening',
    });
  });

  it('carries an error with its stack and cause', () => {
    const { logger, events } = record();
    logger.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed');
    logger.error({ error: new TypeError('other') }, 'failed');
    expect(events()[0]!['err']).toMatchObject({ type: 'Error', message: expect.stringContaining('outer') });
    expect(JSON.stringify(events()[0])).toContain('inner');
    expect(events()[1]!['error']).toMatchObject({ type: 'TypeError', message: 'other' });
  });
});

describe('levels', () => {
  it('are info unless the environment says otherwise', () => {
    expect(record().logger.level).toBe('info');
    expect(record({ RUST_LOG: 'warn' }).logger.level).toBe('warn');
    expect(record({ LOG_LEVEL: 'DEBUG', RUST_LOG: 'warn' }).logger.level).toBe('debug');
    expect(record({ LOG_LEVEL: '', RUST_LOG: 'off' }).logger.level).toBe('silent');
  });

  it('apply to components', () => {
    const { logger, events } = record({ RUST_LOG: 'warn,storage=debug,slatedb=trace' });
    logger.info({}, 'not written');
    logger.child({ component: 'scrape' }).info({}, 'not written either');
    logger.child({ component: 'storage' }).debug({}, 'written');
    expect(events().map(({ msg }) => msg)).toEqual(['written']);
  });

  it('say in the log what could not be understood', () => {
    const { events } = record({ LOG_LEVEL: 'loud' });
    expect(events()).toMatchObject([
      { level: 'warn', msg: expect.stringContaining('log level "loud" is not understood') },
    ]);
  });

  it.each([
    ['', undefined, 'info'],
    ['opendata_timeseries=debug,info', undefined, 'debug'],
    ['timeseries=debug', undefined, 'debug'],
    ['opendata=error', undefined, 'error'],
    ['hyper=debug,error', undefined, 'error'],
    ['opendata-timeseries::scrape=trace,warn', undefined, 'warn'],
    ['opendata-timeseries::scrape=trace,warn', 'scrape', 'trace'],
    ['timeseries=debug,scrape=warn', 'scrape', 'warn'],
    ['timeseries=debug', 'scrape', 'debug'],
    [' warn , scrape = error ', 'scrape', 'error'],
    ['warning', undefined, 'warn'],
  ])('%j for component %j is %s', (text, component, level) => {
    expect(levelFor(parseLogLevels(text), 'opendata-timeseries', component)).toBe(level);
  });
});

describe('a readable line', () => {
  it('has time, level, message and fields', () => {
    const line = JSON.stringify({
      level: 'warn',
      time: '2026-11-22T04:07:22.123Z',
      service: 's',
      job: 'node',
      took: 1.5,
      text: 'a b',
      msg: 'slow',
    });
    expect(readableLine(line, false)).toBe('04:07:22.123 WARN  slow job=node took=1.5 text="a b"\n');
    expect(readableLine(line, true)).toContain('\u001b[33mWARN \u001b[0m');
  });

  it('shows the stack of an error under it', () => {
    const { logger, lines } = record();
    logger.error({ err: new Error('broken') }, 'failed');
    const text = readableLine(lines[0]!, false);
    expect(text).toMatch(/ERROR failed\n {2}Error: broken\n {6}at /);
  });

  it('passes on what is not JSON', () => {
    expect(readableLine('plain\n', true)).toBe('plain\n');
  });
});
