import { readFile } from 'node:fs/promises';
import type { AwsCredentials } from './aws-signature.ts';
import { StorageError } from './errors.ts';
import type { Environment } from './object-store.ts';

/**
 * Credentials for the preflight, looked for in the order in which the engine itself looks for them: static keys, web
 * identity (IRSA), container (ECS, EKS Pod Identity), instance metadata.
 */
export interface AwsCredentialsOptions {
  readonly env: Environment;
  readonly region: string;
  readonly signal: AbortSignal;
  /** Default: the regional one of Amazon, which is the one that the engine uses. */
  readonly stsEndpoint?: string | undefined;
}

/** @throws StorageError `config` where a source is there but does not give credentials */
export async function awsCredentials(options: AwsCredentialsOptions): Promise<AwsCredentials> {
  const { env } = options;
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: env['AWS_SESSION_TOKEN'] || env['AWS_TOKEN'] || undefined };
  }
  const tokenFile = env['AWS_WEB_IDENTITY_TOKEN_FILE'];
  const roleArn = env['AWS_ROLE_ARN'];
  if (tokenFile && roleArn) return webIdentity(options, tokenFile, roleArn);
  const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  if (relative) return container(options, `http://169.254.170.2${relative}`, undefined);
  const full = env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  const authorizationFile = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  if (full && authorizationFile) return container(options, full, authorizationFile);
  return instance(options);
}

async function webIdentity(options: AwsCredentialsOptions, tokenFile: string, role: string): Promise<AwsCredentials> {
  const source = 'web identity (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN)';
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    DurationSeconds: '3600',
    RoleArn: role,
    RoleSessionName: options.env['AWS_ROLE_SESSION_NAME'] || 'WebIdentitySession',
    Version: '2011-06-15',
    WebIdentityToken: await readSecret(source, tokenFile),
  });
  const url = options.stsEndpoint ?? `https://sts.${options.region}.amazonaws.com`;
  const text = await answerOf(source, url, { method: 'POST', body: form, signal: options.signal });
  const field = (name: string): string | undefined => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
  return complete(source, field('AccessKeyId'), field('SecretAccessKey'), field('SessionToken'));
}

async function container(
  options: AwsCredentialsOptions,
  url: string,
  tokenFile: string | undefined,
): Promise<AwsCredentials> {
  const source = 'container credentials (AWS_CONTAINER_CREDENTIALS_*)';
  const authorization = tokenFile === undefined ? undefined : await readSecret(source, tokenFile);
  const headers = authorization === undefined ? {} : { authorization };
  return fromJson(source, await answerOf(source, url, { headers, signal: options.signal }));
}

async function instance({ env, signal }: AwsCredentialsOptions): Promise<AwsCredentials> {
  const source = 'instance metadata (no other AWS_* credentials are set)';
  const base = `${env['AWS_METADATA_ENDPOINT'] || 'http://169.254.169.254'}/latest`;
  const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': '600' };
  const token = await answerOf(source, `${base}/api/token`, { method: 'PUT', headers: ttl, signal });
  const headers = { 'x-aws-ec2-metadata-token': token };
  const roles = `${base}/meta-data/iam/security-credentials/`;
  const role = (await answerOf(source, roles, { headers, signal })).trim();
  return fromJson(source, await answerOf(source, `${roles}${role}`, { headers, signal }));
}

async function readSecret(source: string, file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw noCredentials(source, `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
}

async function answerOf(source: string, url: string, init: RequestInit): Promise<string> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, init);
    text = await response.text();
  } catch (cause) {
    throw noCredentials(source, `${new URL(url).host} does not answer`, cause);
  }
  if (response.ok) return text;
  const code = /<Code>([^<]+)<\/Code>/.exec(text)?.[1];
  throw noCredentials(source, `${new URL(url).host} answered ${response.status}${code ? ` ${code}` : ''}`);
}

function fromJson(source: string, text: string): AwsCredentials {
  try {
    const { AccessKeyId, SecretAccessKey, Token } = JSON.parse(text) as Record<string, string | undefined>;
    return complete(source, AccessKeyId, SecretAccessKey, Token);
  } catch (cause) {
    throw noCredentials(source, 'the answer has no credentials in it', cause);
  }
}

function complete(source: string, id?: string, secret?: string, token?: string): AwsCredentials {
  if (!id || !secret) throw noCredentials(source, 'the answer has no credentials in it');
  return { accessKeyId: id, secretAccessKey: secret, sessionToken: token };
}

function noCredentials(source: string, why: string, cause?: unknown): StorageError {
  return new StorageError('config', `no credentials from ${source}: ${why}`, {
    cause,
    details: { reason: 'credentials', source },
  });
}
