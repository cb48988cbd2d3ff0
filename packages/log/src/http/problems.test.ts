import { isStorageError, StorageError } from '@opendata/storage';
import { expect, it } from 'vitest';
import { logProblem } from './problems.ts';

it('sends clients away to come back when the engine has stopped, and knows nothing of other faults', () => {
  const stopped = new StorageError('internal', 'the storage engine stopped (Panic): background task', {
    details: { fatal: true, reason: 'Panic' },
  });
  expect(logProblem(stopped)).toEqual({
    status: 503,
    code: 'unavailable',
    message: 'the storage engine stopped (Panic): background task',
    retryAfterSeconds: 1,
  });
  const fault = new StorageError('internal', 'lane 1 is sealed');
  expect(isStorageError(fault) && logProblem(fault)).toBeUndefined();
});
