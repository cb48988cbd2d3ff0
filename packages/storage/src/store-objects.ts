import { awsObjects } from './aws-objects.ts';
import { azureAccess, azureObjects } from './azure-objects.ts';
import type { StoreAnswer } from './conditional-put.ts';
import type { Environment, ObjectStoreTarget } from './object-store.ts';

/** A bucket past the engine, for small objects beside a database. Names are relative to the path of the database. */
export interface StoreObjects {
  /** What to call these in messages, and the permission to remove. */
  readonly actions: { readonly list: string; readonly write: string; readonly remove: string };
  /** One key at most. */
  list(): Promise<StoreAnswer>;
  get(name: string): Promise<StoreAnswer>;
  put(name: string, body: string): Promise<StoreAnswer>;
  /** With `If-None-Match: *`. */
  putNew(name: string, body: string): Promise<StoreAnswer>;
  remove(name: string): Promise<StoreAnswer>;
}

export interface StoreAccess {
  readonly env: Environment;
  /** Ends every request. */
  readonly signal: AbortSignal;
  /** Another token service than Amazon's regional one. */
  readonly stsEndpoint?: string | undefined;
}

/** Undefined for stores, credentials and ways that only the engine knows. @throws StorageError without credentials */
export async function storeObjects(target: ObjectStoreTarget, access: StoreAccess): Promise<StoreObjects | undefined> {
  if (target.endpoint === undefined || proxyOf(target.endpoint, access.env) !== undefined) return undefined;
  const { aws, azure } = target;
  if (aws !== undefined) return awsObjects({ ...target, aws }, access);
  const azureKey = azureAccess(access.env);
  if (azure !== undefined && azureKey !== undefined) return azureObjects({ ...target, azure }, azureKey, access.signal);
  return undefined;
}

/** Name of the variable whose proxy the engine will use for this endpoint. */
export function proxyOf(endpoint: string, env: Environment): string | undefined {
  const { protocol, hostname } = new URL(endpoint);
  const direct = (env['NO_PROXY'] ?? env['no_proxy'] ?? '').split(',').map((host) => host.trim());
  if (direct.some((host) => host === '*' || (host !== '' && `.${hostname}`.endsWith(`.${host.replace(/^\./, '')}`)))) {
    return undefined;
  }
  const names = protocol === 'https:' ? ['HTTPS_PROXY', 'https_proxy'] : ['HTTP_PROXY', 'http_proxy'];
  return [...names, 'ALL_PROXY', 'all_proxy'].find((name) => env[name]);
}
