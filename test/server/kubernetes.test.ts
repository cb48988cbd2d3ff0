import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { helm, manifestsOf, renderChart } from '../support/chart-tools.ts';
import { createWorkspace, type Workspace } from '../support/databases.ts';
import {
  certificateOf,
  etcd,
  type KubeApiserver,
  kubeApiserver,
  startKubeApiserver,
} from '../support/kube-apiserver.ts';
import { type ServerProcess, startOurs } from '../support/server-process.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const isHere = kubeApiserver !== undefined && etcd !== undefined && helm !== undefined;

interface Target {
  readonly scrapePool: string;
  readonly discoveredLabels: Readonly<Record<string, string>>;
}

function podOf(name: string, ip: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'web' } },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'app', image: 'app:1', ports: [{ name: 'http', containerPort: 8080 }] }],
    },
    status: {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      hostIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

/** A namespace with a Service, its pods and endpoints, and an Ingress. */
async function fillNamespace(api: KubeApiserver, namespace: string): Promise<void> {
  await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const core = `/api/v1/namespaces/${namespace}`;
  await api.create(`${core}/pods`, podOf('web-1', '10.2.0.1'));
  await api.create(`${core}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  });
  const targetRef = { kind: 'Pod', name: 'web-1', namespace };
  await api.create(`${core}/endpoints`, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'web' },
    subsets: [{ addresses: [{ ip: '10.2.0.1', targetRef }], ports: [{ name: 'http', port: 8080 }] }],
  });
  await api.create(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-abc', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.2.0.1'], conditions: { ready: true }, targetRef }],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  });
  await api.create(`/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web' },
    spec: {
      rules: [
        {
          host: 'shop.example.com',
          http: {
            paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { name: 'http' } } } }],
          },
        },
      ],
    },
  });
}

/** An API server that others have written, with RBAC, and the rights that the chart makes. */
describe.skipIf(!isHere)('kubernetes_sd_configs at a real kube-apiserver', () => {
  let api: KubeApiserver;
  let workspace: Workspace;
  let server: ServerProcess;

  const targets = async (): Promise<readonly Target[]> => {
    const response = await fetch(`${server.url}/api/v1/targets`);
    return ((await response.json()) as { data: { activeTargets: readonly Target[] } }).data.activeTargets;
  };
  const addressesOf = async (job: string) =>
    (await targets())
      .filter(({ scrapePool }) => scrapePool === job)
      .map(({ discoveredLabels }) => discoveredLabels['__address__'])
      .sort();

  beforeAll(async () => {
    api = await startKubeApiserver();
    workspace = createWorkspace();
    await api.create('/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n1', labels: { rack: '7' } },
      status: {
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
      },
    });
    for (const namespace of ['shop', 'private']) await fillNamespace(api, namespace);
    await api.create('/api/v1/namespaces/default/serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'opendata-timeseries' },
    });
    const rights = manifestsOf(
      renderChart('opendata-timeseries', { rbac: { create: true, namespaces: ['shop'], nodes: true } }),
    ).filter(({ kind }) => /Role/.test(kind));
    for (const manifest of rights) {
      const { namespace } = manifest.metadata;
      const place = namespace === undefined ? '' : `/namespaces/${namespace}`;
      await api.create(`/apis/rbac.authorization.k8s.io/v1${place}/${manifest.kind.toLowerCase()}s`, manifest);
    }

    const { folder } = workspace;
    writeFileSync(join(folder, 'ca.crt'), certificateOf(api));
    writeFileSync(join(folder, 'token'), await api.tokenOf('default', 'opendata-timeseries'));
    const job = (name: string, role: string, namespace: string | undefined, more = '') => `
  - job_name: ${name}
    scrape_interval: 1h
    scrape_timeout: 1s
    kubernetes_sd_configs:
      - role: ${role}
        api_server: ${api.url}
        authorization: {credentials_file: ${folder}/token}
        tls_config: {ca_file: ${folder}/ca.crt}
        ${namespace === undefined ? '' : `namespaces: {names: [${namespace}]}`}
        ${more}`;
    const roles = ['pod', 'service', 'endpoints', 'endpointslice', 'ingress'];
    const file = workspace.file(
      'prometheus.yaml',
      `storage: {type: InMemory}\nscrape_configs:${[
        ...roles.map((role) => job(role, role, 'shop', role === 'pod' ? 'attach_metadata: {node: true}' : '')),
        job('node', 'node', undefined),
        job('forbidden', 'pod', 'private'),
      ].join('')}\n`,
    );
    server = await startOurs('opendata-timeseries', ['--config', file], { cwd: folder });
  });

  afterAll(async () => {
    await server?.kill('SIGKILL');
    await workspace?.remove();
    await api?.remove();
  });

  it.each([
    ['pod', ['10.2.0.1:8080']],
    ['service', ['web.shop.svc:80']],
    ['endpoints', ['10.2.0.1:8080']],
    ['endpointslice', ['10.2.0.1:8080']],
    ['ingress', ['shop.example.com']],
    ['node', ['10.0.0.1:10250']],
  ])('finds the targets of the role %s', async (role, addresses) => {
    await expect.poll(() => addressesOf(role)).toEqual(addresses);
  });

  it('gives pods the labels of their nodes', async () => {
    const pod = (await targets()).find(({ scrapePool }) => scrapePool === 'pod');
    expect(pod?.discoveredLabels).toMatchObject({
      __meta_kubernetes_namespace: 'shop',
      __meta_kubernetes_pod_name: 'web-1',
      __meta_kubernetes_pod_ready: 'true',
      __meta_kubernetes_node_label_rack: '7',
    });
  });

  it('finds nothing where the chart gives no right, and says why', async () => {
    await expect.poll(() => server.output()).toMatch(/forbidden/i);
    expect(await addressesOf('forbidden')).toEqual([]);
  });

  it('sees pods come and go while it watches', async () => {
    await api.create('/api/v1/namespaces/shop/pods', podOf('web-2', '10.2.0.2'));
    await expect.poll(() => addressesOf('pod')).toEqual(['10.2.0.1:8080', '10.2.0.2:8080']);
    await api.call('DELETE', '/api/v1/namespaces/shop/pods/web-2?gracePeriodSeconds=0');
    await expect.poll(() => addressesOf('pod')).toEqual(['10.2.0.1:8080']);
  });

  it('keeps its targets while the API server is away, and then sees what changes', async () => {
    await api.stop();
    expect(await addressesOf('pod')).toEqual(['10.2.0.1:8080']);
    await api.start();
    await api.create('/api/v1/namespaces/shop/pods', podOf('web-3', '10.2.0.3'));
    await expect.poll(() => addressesOf('pod')).toEqual(['10.2.0.1:8080', '10.2.0.3:8080']);
    expect(await addressesOf('service')).toEqual(['web.shop.svc:80']);
  });
});
