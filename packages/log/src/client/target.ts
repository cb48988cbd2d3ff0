import { bytesOf, type LogBytes } from './bytes.ts';
import { LogClientError } from './errors.ts';
import type { KeySelection } from './log-client.ts';
import type { Target } from './log-port.ts';

/** @throws LogClientError invalid_input for lists that are there and select nothing */
export function targetOf(keys: LogBytes | KeySelection): Target {
  if (typeof keys === 'string' || keys instanceof Uint8Array) return bytesOf(keys);
  const isEverything = keys.keys === undefined && keys.prefixes === undefined;
  const target = { keys: (keys.keys ?? []).map(bytesOf), prefixes: (keys.prefixes ?? []).map(bytesOf), isEverything };
  if (isEverything || target.keys.length + target.prefixes.length > 0) return target;
  throw new LogClientError('invalid_input', 'no key and no prefix is selected');
}
