import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { HttpClientSettings } from '../../../model/http-client-config.ts';
import type { KubernetesDiscoveryConfig } from '../../../model/kubernetes-discovery-config.ts';
import { authorizationOf } from '../../authorization.ts';
import { ScrapeError } from '../../scrape-error.ts';
import { tlsOptionsOf } from '../../tls-options.ts';

const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The API server of a cluster, and how it is asked. */
export interface KubernetesApi {
  readonly url: string;
  readonly http: HttpClientSettings;
}

/**
 * The configured API server, or that of the cluster that this process runs in.
 * @throws ScrapeError where it runs in none
 */
export function apiOf({ apiServer, http }: KubernetesDiscoveryConfig, env = process.env): KubernetesApi {
  if (apiServer !== undefined) return { url: apiServer.replace(/\/+$/, ''), http };
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (host === undefined || host === '') {
    throw new ScrapeError("this server does not run in a Kubernetes cluster: set 'api_server'");
  }
  const file = (name: string) => ({ text: undefined, file: `${ACCOUNT_FOLDER}/${name}` });
  const none = { text: undefined, file: undefined };
  return {
    url: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    http: {
      ...http,
      credentials: { scheme: 'Bearer', secret: file('token') },
      tls: {
        ca: file('ca.crt'),
        cert: none,
        key: none,
        serverName: undefined,
        insecureSkipVerify: false,
        minVersion: undefined,
        maxVersion: undefined,
      },
    },
  };
}

/** The namespace of the pod that this process runs in. @throws ScrapeError */
export async function ownNamespace(): Promise<string> {
  const file = `${ACCOUNT_FOLDER}/namespace`;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    throw new ScrapeError(`own_namespace: ${file} cannot be read`);
  }
}

/** The API server refuses; `status` is HTTP's. */
export class ApiError extends ScrapeError {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Asks, and answers as soon as the head of the answer is there. @throws ApiError unless that is 200 */
export async function openAnswer(api: KubernetesApi, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  const { credentials, tls } = api.http;
  const authorization = await authorizationOf(credentials);
  const headers = {
    accept: 'application/json',
    'user-agent': 'opendata-timeseries',
    ...(authorization !== undefined && { authorization }),
  };
  const tlsOptions = await tlsOptionsOf(tls);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const url = new URL(api.url + path);
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { headers, signal, ...tlsOptions })
        : httpRequest(url, { headers, signal });
    request.once('response', resolve).on('error', reject).end();
  });
  if (response.statusCode === 200) return response;
  const text = Buffer.concat(await response.toArray()).toString('utf8');
  throw new ApiError(response.statusCode ?? 0, `HTTP status ${response.statusCode}: ${messageOf(text)}`);
}

function messageOf(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message ?? text);
  } catch {
    return text.slice(0, 200);
  }
}
