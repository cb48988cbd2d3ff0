import { maskYaml } from '@opendata/server';

const MASK = '<secret>';
const NAMES = [
  'password',
  'credentials',
  'client_secret',
  'secret_access_key',
  'secret_key',
  'access_key',
  'access_key_id',
  'session_token',
  'bearer_token',
  'token',
  'account_key',
  'sas_token',
];
const SECRETS: ReadonlySet<string> = new Set(NAMES);
/** What stands in a comment is no value of YAML. */
const COMMENTED = new RegExp(`(#.*\\b(?:${NAMES.join('|')})["']?[ \\t]*:[ \\t]*)\\S.*`, 'g');
/** The password of a URL. */
const USER_INFO = /(\bhttps?:\/\/[^\s/:@"']*:)[^\s/@"']+(?=@)/g;

/** The configuration file without what is secret in it. */
export function withoutSecrets(text: string): string {
  return maskYaml(text, isSecret, MASK)
    .replace(COMMENTED, (_whole, before: string) => before + MASK)
    .replace(USER_INFO, (_whole, before: string) => before + MASK);
}

function isSecret(keys: readonly string[]): boolean {
  const key = keys.at(-1)!;
  return SECRETS.has(key) || (key === 'key' && keys.at(-2) === 'tls_config');
}
