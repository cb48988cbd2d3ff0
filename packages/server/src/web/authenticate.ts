import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { HttpProblem } from '../http/problem.ts';
import type { PasswordChecker } from './password-checker.ts';

/** Who may ask. */
export interface Credentials {
  /** bcrypt hashes by user. */
  readonly users: ReadonlyMap<string, string>;
  /** SHA-256 of each token. */
  readonly tokenDigests: readonly Buffer[];
}

/** Compared with the password of users that do not exist, so that they take as long as those that do. */
const NOBODY = '$2b$10$mvNItjQH3EBss4RDjgPGJ.FXTiRVbNtJPiU1k5qUpvHqCVwNFLNSm';

/** @returns the answer of a request that may not pass, or nothing */
export function authenticate(
  request: IncomingMessage,
  { users, tokenDigests }: Credentials,
  passwords: PasswordChecker,
): HttpProblem | undefined | Promise<HttpProblem | undefined> {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+) *$/.exec(request.headers.authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer' && tokenDigests.length > 0) {
    return isKnownToken(value, tokenDigests) ? undefined : unauthorized(users, tokenDigests);
  }
  if (scheme.toLowerCase() !== 'basic' || users.size === 0) return unauthorized(users, tokenDigests);
  const [, user = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? [];
  const hash = users.get(user);
  const answer = passwords.matches(user, password, hash ?? NOBODY);
  const decide = (same: boolean | undefined): HttpProblem | undefined => {
    if (same === undefined) return TOO_MANY;
    return same && hash !== undefined ? undefined : unauthorized(users, tokenDigests);
  };
  return answer instanceof Promise ? answer.then(decide) : decide(answer);
}

const TOO_MANY: HttpProblem = {
  status: 429,
  message: 'too many passwords are being checked',
  retryAfterSeconds: 1,
};

/** Looks at every token, however early one matches. */
function isKnownToken(token: string, digests: readonly Buffer[]): boolean {
  const digest = createHash('sha256').update(token).digest();
  let known = false;
  for (const other of digests) if (timingSafeEqual(digest, other)) known = true;
  return known;
}

function unauthorized(users: Credentials['users'], tokens: Credentials['tokenDigests']): HttpProblem {
  const schemes = [
    ...(users.size > 0 ? ['Basic realm="opendata", charset="UTF-8"'] : []),
    ...(tokens.length > 0 ? ['Bearer realm="opendata"'] : []),
  ];
  return { status: 401, message: 'Unauthorized', headers: { 'www-authenticate': schemes.join(', ') } };
}
