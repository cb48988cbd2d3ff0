import { readFile } from 'node:fs/promises';
import type { ScrapeCredentials, SecretText } from '../model/http-client-config.ts';
import { ScrapeError } from './scrape-error.ts';

/**
 * The `Authorization` header of a request; `undefined` where the job has no credentials.
 * @throws ScrapeError where a file with a secret cannot be read
 */
export async function authorizationOf(credentials: ScrapeCredentials | undefined): Promise<string | undefined> {
  if (credentials === undefined) return undefined;
  const { scheme, username, secret } = credentials;
  if (username === undefined) {
    const text = await textOf(secret);
    return text === '' ? undefined : `${scheme} ${text}`;
  }
  const pair = `${await textOf(username)}:${await textOf(secret)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** @throws ScrapeError where the file cannot be read */
export async function textOf({ text, file }: SecretText): Promise<string> {
  if (file === undefined) return text ?? '';
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new ScrapeError(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`);
  }
}
