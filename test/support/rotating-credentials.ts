import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ProxiedRequest } from '@opendata/storage/testing';

/** Hands out temporary credentials as EKS Pod Identity does; they expire when told to. */
export interface RotatingCredentials {
  /** What a server needs in its environment to ask for them. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether a request to the store carries credentials that are still good. */
  accepts(request: ProxiedRequest): boolean;
  /** Those handed out so far are good no more. */
  expire(): void;
  /** Nobody gets new ones until told otherwise. */
  refuse(refusing: boolean): void;
  /** Number of times that credentials were handed out. */
  readonly handedOut: number;
  stop(): void;
}

/** @param tokenFile is written: the identity that is shown to the service */
export async function startRotatingCredentials(tokenFile: string): Promise<RotatingCredentials> {
  let generation = 0;
  let refusing = false;
  let handedOut = 0;
  writeFileSync(tokenFile, 'identity');
  const service = createServer((request, response) => {
    if (refusing || request.headers.authorization !== 'identity') {
      response.statusCode = 503;
      response.end();
      return;
    }
    handedOut++;
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        AccessKeyId: 'S3RVER',
        SecretAccessKey: 'S3RVER',
        Token: `session-${generation}`,
        // So soon that clients, which renew credentials minutes before they expire, ask again and again.
        Expiration: new Date(Date.now() + 60_000).toISOString(),
      }),
    );
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const address = service.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    env: {
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
    },
    accepts: ({ headers }) => headers['x-amz-security-token'] === `session-${generation}`,
    expire: () => {
      generation++;
    },
    refuse: (value) => {
      refusing = value;
    },
    get handedOut() {
      return handedOut;
    },
    stop: () => {
      service.closeAllConnections();
      service.close();
    },
  };
}
