import { createHmac } from 'node:crypto';
import { askStore, objectUrl, type SignRequest } from './conditional-put.ts';
import type { AzureTarget, Environment, ObjectStoreTarget } from './object-store.ts';
import type { StoreObjects } from './store-objects.ts';

const API_VERSION = '2021-08-06';

/** How requests are authorised: by a signature in the headers, or by a token in the query. */
interface AzureAccess {
  readonly sasToken: string;
  readonly key: Buffer | undefined;
}

/** The account key or the SAS token of the environment; other credentials are left to the engine. */
export function azureAccess(env: Environment): AzureAccess | undefined {
  const key = firstOf(env, 'AZURE_STORAGE_ACCOUNT_KEY', 'AZURE_STORAGE_ACCESS_KEY', 'AZURE_STORAGE_MASTER_KEY');
  if (key !== undefined) return { key: Buffer.from(key, 'base64'), sasToken: '' };
  const sasToken = firstOf(env, 'AZURE_STORAGE_SAS_TOKEN', 'AZURE_STORAGE_SAS_KEY');
  return sasToken === undefined ? undefined : { key: undefined, sasToken: sasToken.replace(/^\?/, '') };
}

export function azureObjects(
  target: ObjectStoreTarget & { readonly azure: AzureTarget },
  access: AzureAccess,
  signal: AbortSignal,
): StoreObjects {
  const { azure, path } = target;
  const ask = (method: string, url: string, headers: Record<string, string> = {}, body = '') => {
    const withToken = new URL(
      access.sasToken === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${access.sasToken}`,
    );
    return askStore(target, { method, url: withToken, body }, signal, signer(azure.account, access.key, headers));
  };
  const urlOf = (name: string): string => objectUrl(azure.containerUrl, path, name);
  const list = `${azure.containerUrl}?restype=container&comp=list&maxresults=1&prefix=${encodeURIComponent(`${path}/`)}`;
  const blob = { 'x-ms-blob-type': 'BlockBlob' };
  return {
    actions: { list: 'listing', write: 'writing', remove: 'delete' },
    list: () => ask('GET', list),
    get: (name) => ask('GET', urlOf(name)),
    put: (name, body) => ask('PUT', urlOf(name), blob, body),
    putNew: (name, body) => ask('PUT', urlOf(name), { ...blob, 'if-none-match': '*' }, body),
    remove: (name) => ask('DELETE', urlOf(name)),
  };
}

/** Signs with the key of the account ("Shared Key"), if there is one. */
function signer(account: string, key: Buffer | undefined, headers: Readonly<Record<string, string>>): SignRequest {
  return ({ method, url }, body) => {
    const all: Record<string, string> = {
      ...headers,
      'x-ms-date': new Date().toUTCString(),
      'x-ms-version': API_VERSION,
    };
    if (key === undefined) return all;
    const own = Object.entries(all)
      .filter(([name]) => name.startsWith('x-ms-'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}:${value}\n`);
    const query = [...url.searchParams]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `\n${name}:${value}`);
    const length = body.length === 0 ? '' : String(body.length);
    // Method, then eleven headers of HTTP: the fourth is the length, the tenth If-None-Match.
    const standard = [method, '', '', length, '', '', '', '', '', all['if-none-match'] ?? '', '', ''];
    const text = `${standard.join('\n')}\n${own.join('')}/${account}${url.pathname}${query.join('')}`;
    return { ...all, authorization: `SharedKey ${account}:${createHmac('sha256', key).update(text).digest('base64')}` };
  };
}

function firstOf(env: Environment, ...names: string[]): string | undefined {
  return names.map((name) => env[name]?.trim()).find((value) => value !== undefined && value !== '');
}
