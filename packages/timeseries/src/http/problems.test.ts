import { StorageError } from '@opendata/storage';
import { expect, it } from 'vitest';
import { timeSeriesProblem } from './problems.ts';

it('sends senders away to come back when the engine has stopped, and calls other faults of the storage ours', () => {
  const stopped = new StorageError('internal', 'the storage engine stopped (Panic): background task', {
    details: { fatal: true, reason: 'Panic' },
  });
  expect(timeSeriesProblem(stopped)).toEqual({
    status: 503,
    code: 'unavailable',
    message: 'the storage engine stopped (Panic): background task',
    retryAfterSeconds: 5,
  });
  for (const code of ['fenced', 'closed', 'unavailable', 'overloaded'] as const) {
    expect(timeSeriesProblem(new StorageError(code, code))?.status).toBe(503);
  }
  expect(timeSeriesProblem(new StorageError('corrupt', 'a page'))?.status).toBe(500);
});
