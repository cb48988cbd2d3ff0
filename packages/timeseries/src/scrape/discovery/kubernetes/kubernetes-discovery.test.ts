import { createRegistry } from '@opendata/server';
import { openStorage, silentLogger } from '@opendata/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TimeSeriesDb } from '../../../db.ts';
import { resolveScrapeJob, type ScrapeJob, scrapeConfigsSchema } from '../../../model/scrape-config.ts';
import { type ScrapeManager, startScraping } from '../../scrape-manager.ts';
import { apiOf } from './api.ts';
import { type ApiServer, startApiServer } from './api-server.testing.ts';
import { fillCluster, objectsOfCluster } from './cluster.testing.ts';
import type { Pod } from './objects.ts';

let api: ApiServer;
let db: TimeSeriesDb;
let manager: ScrapeManager | undefined;

beforeEach(async () => {
  api = await startApiServer({ token: 'secret', pageObjects: 2 });
  fillCluster(api);
  const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
  db = await TimeSeriesDb.open({ storage, logger: silentLogger });
});
afterEach(async () => {
  await manager?.stop();
  manager = undefined;
  await db.close();
  api.close();
});

function start(discovery: object): void {
  const config = { api_server: api.url, authorization: { credentials: 'secret' }, ...discovery };
  const [parsed] = scrapeConfigsSchema.parse([
    {
      job_name: 'j',
      scrape_interval: '1h',
      scrape_timeout: '1s',
      kubernetes_sd_configs: [config],
      // So that no two are the same.
      relabel_configs: [{ action: 'labelmap', regex: '__meta_kubernetes_(.+)' }],
    },
  ]);
  const job: ScrapeJob = resolveScrapeJob({}, parsed!);
  manager = startScraping({ jobs: [job], store: db, registry: createRegistry(), logger: silentLogger, version: '1' });
}

const addresses = () =>
  manager!
    .targets()
    .map(({ target }) => target.discoveredLabels['__address__'])
    .sort();
const untilAddresses = (...wanted: string[]) => expect.poll(addresses).toEqual(wanted.sort());
const labelsOf = (address: string) =>
  manager!.targets().find(({ target }) => target.discoveredLabels['__address__'] === address)!.target.discoveredLabels;

describe('targets in a Kubernetes cluster', () => {
  it('are the kubelets of nodes', async () => {
    start({ role: 'node' });
    await untilAddresses('10.0.0.1:10250', 'n2.local:10250');
    expect(labelsOf('10.0.0.1:10250')).toMatchObject({
      instance: 'n1',
      __meta_kubernetes_node_name: 'n1',
      __meta_kubernetes_node_provider_id: 'aws:///eu-1/i-1',
      __meta_kubernetes_node_label_kubernetes_io_hostname: 'n1',
      __meta_kubernetes_node_labelpresent_node_role_kubernetes_io_worker: 'true',
      __meta_kubernetes_node_annotation_example_com_rack: '7',
      __meta_kubernetes_node_address_InternalIP: '10.0.0.1',
      __meta_kubernetes_node_address_Hostname: 'n1.local',
    });
  });

  it('are the ports of services, in the namespaces that are asked for', async () => {
    start({ role: 'service', namespaces: { names: ['shop'] } });
    await untilAddresses('outside.shop.svc:443', 'web.shop.svc:53', 'web.shop.svc:80');
    expect(labelsOf('web.shop.svc:80')).toMatchObject({
      __meta_kubernetes_namespace: 'shop',
      __meta_kubernetes_service_name: 'web',
      __meta_kubernetes_service_port_name: 'http',
      __meta_kubernetes_service_type: 'ClusterIP',
      __meta_kubernetes_service_cluster_ip: '10.1.0.1',
      __meta_kubernetes_service_annotation_prometheus_io_scrape: 'true',
    });
  });

  it('are the ports of pods, with what is said of their nodes', async () => {
    start({ role: 'pod', attach_metadata: { node: true } });
    await untilAddresses('10.2.0.1', '10.2.0.1', '10.2.0.1:8080', '10.2.0.1:8081', '10.2.0.9:9000', '[fd00::22]:8080');
    expect(labelsOf('10.2.0.1:8080')).toMatchObject({
      __meta_kubernetes_pod_name: 'web-1',
      __meta_kubernetes_pod_ready: 'true',
      __meta_kubernetes_pod_phase: 'Running',
      __meta_kubernetes_pod_container_name: 'app',
      __meta_kubernetes_pod_container_id: 'containerd://app',
      __meta_kubernetes_pod_container_init: 'false',
      __meta_kubernetes_pod_container_port_name: 'http',
      __meta_kubernetes_pod_container_port_number: '8080',
      __meta_kubernetes_pod_controller_kind: 'ReplicaSet',
      __meta_kubernetes_pod_controller_name: 'web-abc',
      __meta_kubernetes_node_annotation_example_com_rack: '7',
    });
    expect(labelsOf('[fd00::22]:8080')['__meta_kubernetes_pod_ready']).toBe('false');
  });

  it('are what selectors choose', async () => {
    start({ role: 'pod', selectors: [{ role: 'pod', label: 'app=web', field: 'spec.nodeName=n2' }] });
    await untilAddresses('[fd00::22]:8080');
  });

  it('are endpoints, with what is said of their services and pods, and the other ports of the pods', async () => {
    start({ role: 'endpoints', namespaces: { names: ['shop'] } });
    await untilAddresses('10.2.0.1:8080', '10.2.0.1:8081', '192.0.2.1:8080', '[fd00::22]:8080');
    expect(labelsOf('10.2.0.1:8080')).toMatchObject({
      __meta_kubernetes_endpoints_name: 'web',
      __meta_kubernetes_endpoint_ready: 'true',
      __meta_kubernetes_endpoint_port_name: 'http',
      __meta_kubernetes_service_label_app: 'web',
      __meta_kubernetes_pod_container_port_name: 'http',
    });
    expect(labelsOf('10.2.0.1:8081')).not.toHaveProperty('__meta_kubernetes_endpoint_ready');
    expect(labelsOf('[fd00::22]:8080')['__meta_kubernetes_endpoint_ready']).toBe('false');
  });

  it('are endpoint slices', async () => {
    start({ role: 'endpointslice' });
    await untilAddresses('10.2.0.1:8080', '10.2.0.1:8081', '192.0.2.1:8080');
    expect(labelsOf('192.0.2.1:8080')).toMatchObject({
      __meta_kubernetes_endpointslice_endpoint_conditions_ready: 'false',
      __meta_kubernetes_endpointslice_endpoint_hostname: 'outside',
      __meta_kubernetes_endpointslice_port_app_protocol: 'http',
      __meta_kubernetes_service_name: 'web',
    });
  });

  it('are the paths of ingresses', async () => {
    start({ role: 'ingress' });
    await expect.poll(() => manager!.targets().length).toBeGreaterThan(0);
    const shown = manager!.targets().map(({ target: { discoveredLabels: labels } }) => {
      const of = (name: string) => labels[`__meta_kubernetes_ingress_${name}`];
      return `${of('scheme')} ${of('host')} ${of('path')} ${of('class_name')}`;
    });
    expect([...new Set(shown)].sort()).toEqual([
      'http a.b.api.example.com / nginx',
      'http plain.example.com / nginx',
      'https shop.example.com / nginx',
      'https shop.example.com /cart nginx',
      'https v1.api.example.com /v1 nginx',
    ]);
  });
});

describe('a watched cluster', () => {
  const [web1, web2] = objectsOfCluster.pods;
  const added: Pod = {
    metadata: { name: 'new', namespace: 'shop' },
    spec: { containers: [{ name: 'app', ports: [{ containerPort: 1 }] }] },
    status: { podIP: '10.2.0.7' },
  };

  it('is followed through changes, ends of watches, versions that are gone and outages', async () => {
    start({ role: 'pod', namespaces: { names: ['shop'] }, selectors: [{ role: 'pod', label: '', field: '' }] });
    const first = ['10.2.0.1', '10.2.0.1', '10.2.0.1:8080', '10.2.0.1:8081'];
    await untilAddresses(...first, '[fd00::22]:8080');
    api.apply('pods', added);
    api.remove('pods', web2!);
    await untilAddresses(...first, '10.2.0.7:1');
    const lists = () => api.requests.filter((each) => !each.includes('watch=')).length;
    const before = lists();
    api.endWatches();
    const moved: Pod = { ...added, status: { podIP: '10.2.0.8' } };
    api.apply('pods', moved);
    await untilAddresses(...first, '10.2.0.8:1');
    expect(lists()).toBe(before);

    api.remove('pods', web1!);
    await untilAddresses('10.2.0.8:1');
    api.endWatches();
    api.compact();
    api.apply('pods', web2!);
    api.endWatches();
    await untilAddresses('10.2.0.8:1', '[fd00::22]:8080');

    api.failWith(503);
    api.endWatches();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(addresses()).toEqual(['10.2.0.8:1', '[fd00::22]:8080']);
    api.remove('pods', web2!);
    api.failWith(undefined);
    await untilAddresses('10.2.0.8:1');
  });

  it('is not known without credentials', async () => {
    start({ role: 'pod', authorization: { credentials: 'wrong' } });
    await expect.poll(() => api.requests.length).toBeGreaterThan(1);
    expect(addresses()).toEqual([]);
  });
});

it('the API server is that of the cluster that the server runs in', () => {
  const [parsed] = scrapeConfigsSchema.parse([{ job_name: 'j', kubernetes_sd_configs: [{ role: 'pod' }] }]);
  const [config] = resolveScrapeJob({}, parsed!).discoveries;
  if (config?.kind !== 'kubernetes') throw new Error('not a Kubernetes discovery');
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
  const { url, http } = apiOf(config, env);
  expect(url).toBe('https://[fd00::1]:6443');
  const account = '/var/run/secrets/kubernetes.io/serviceaccount';
  expect(http.credentials).toEqual({ scheme: 'Bearer', secret: { text: undefined, file: `${account}/token` } });
  expect(http.tls?.ca.file).toBe(`${account}/ca.crt`);
  expect(() => apiOf(config, {})).toThrow("set 'api_server'");
});

it.each([
  [{ role: 'deployment' }, 'expected one of node, service, pod'],
  [{ role: 'pod', kubeconfig_file: 'x' }, "use 'api_server'"],
  [{ role: 'pod', authorization: { credentials: 'x' } }, "together with 'api_server'"],
  [{ role: 'service', selectors: [{ role: 'pod' }] }, 'expected one of service for the role service'],
  [{ role: 'pod', selectors: [{ role: 'pod' }, { role: 'pod' }] }, 'there is a selector for pod already'],
])('refuses %j', (discovery, message) => {
  const result = scrapeConfigsSchema.safeParse([{ job_name: 'j', kubernetes_sd_configs: [discovery] }]);
  expect(result.error?.message).toContain(message);
});
