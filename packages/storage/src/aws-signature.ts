import { createHash, createHmac } from 'node:crypto';

/** AWS Signature Version 4, as far as the preflight of a bucket needs it. */

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SignableRequest {
  readonly method: string;
  readonly url: URL;
  /** The headers that the signature covers, `host` and `x-amz-date` among them; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Hexadecimal SHA-256 of the body, or `UNSIGNED-PAYLOAD`. */
  readonly bodySha256: string;
}

function sha256Hex(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The signature as hexadecimal text. The date comes from `x-amz-date` (`20060102T150405Z`). */
export function awsSignature(request: SignableRequest, region: string, secretAccessKey: string): string {
  const { method, url, headers, bodySha256 } = request;
  const names = Object.keys(headers).sort();
  const canonical = [
    method,
    url.pathname.split('/').map(canonicalPart).join('/'),
    [...url.searchParams]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${headers[name]!.trim().replace(/\s+/g, ' ')}`),
    '',
    names.join(';'),
    bodySha256,
  ].join('\n');

  const time = headers['x-amz-date']!;
  const date = time.slice(0, 8);
  const toSign = ['AWS4-HMAC-SHA256', time, `${date}/${region}/s3/aws4_request`, sha256Hex(canonical)].join('\n');
  const key = [date, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  return hmac(key, toSign).toString('hex');
}

/** All headers of a signed request. */
export function signedHeaders(
  request: { readonly method: string; readonly url: URL; readonly headers: Readonly<Record<string, string>> },
  body: Uint8Array,
  region: string,
  credentials: AwsCredentials,
  nowMs: number,
): Record<string, string> {
  const bodySha256 = sha256Hex(body);
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.url.host,
    'x-amz-content-sha256': bodySha256,
    'x-amz-date': time,
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
  };
  const signature = awsSignature({ ...request, headers, bodySha256 }, region, credentials.secretAccessKey);
  const scope = `${credentials.accessKeyId}/${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const names = Object.keys(headers).sort().join(';');
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function canonicalPart(part: string): string {
  return encode(decodeURIComponent(part));
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
