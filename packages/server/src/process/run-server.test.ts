import { expectTypeOf, it } from 'vitest';
import type { RunningServer, runServer, ServerContext, ServerDefinition } from './run-server.ts';

it('types the values of flags by their declaration', () => {
  const flags = {
    config: { type: 'string', help: 'h' },
    'data-dir': { type: 'string', default: '.data', help: 'h' },
    port: { type: 'port', default: 80, help: 'h' },
    'max-lag': { type: 'duration', default: '1s', help: 'h' },
    workers: { type: 'integer', help: 'h' },
    'read-only': { type: 'boolean', help: 'h' },
    label: { type: 'list', help: 'h' },
  } as const;
  type Values = ServerContext<typeof flags, unknown>['flags'];
  expectTypeOf<Values['config']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<Values['data-dir']>().toEqualTypeOf<string>();
  expectTypeOf<Values['port']>().toEqualTypeOf<number>();
  expectTypeOf<Values['max-lag']>().toEqualTypeOf<number>();
  expectTypeOf<Values['workers']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Values['read-only']>().toEqualTypeOf<boolean>();
  expectTypeOf<Values['label']>().toEqualTypeOf<readonly string[]>();
});

it('hands the configuration that was loaded to the start', () => {
  const define = (
    definition: Parameters<typeof runServer<Record<'port', { type: 'port'; help: string }>, { a: number }>>[0],
  ) => definition;
  expectTypeOf(define).returns.toExtend<
    ServerDefinition<Record<'port', { type: 'port'; help: string }>, { a: number }>
  >();
  expectTypeOf<ReturnType<Parameters<typeof define>[0]['start']>>().toEqualTypeOf<Promise<RunningServer>>();
});
