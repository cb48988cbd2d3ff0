import type { ApiServer } from './api-server.testing.ts';
import type { EndpointSlice, Endpoints, Ingress, Node, Pod, Service } from './objects.ts';

/** A small cluster with what is unusual, too: no addresses, no ports, IPv6, pods that are not ready, waiting or done. */
const nodes: Node[] = [
  {
    metadata: {
      name: 'n1',
      uid: 'u-n1',
      labels: { 'kubernetes.io/hostname': 'n1', 'node-role.kubernetes.io/worker': '' },
      annotations: { 'example.com/rack': '7' },
    },
    spec: { providerID: 'aws:///eu-1/i-1' },
    status: {
      addresses: [
        { type: 'Hostname', address: 'n1.local' },
        { type: 'InternalIP', address: '10.0.0.1' },
        { type: 'InternalIP', address: 'fd00::1' },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    },
  },
  {
    metadata: { name: 'n2', uid: 'u-n2' },
    status: {
      addresses: [{ type: 'Hostname', address: 'n2.local' }],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    },
  },
  { metadata: { name: 'n3', uid: 'u-n3' }, status: {} },
];

const services: Service[] = [
  {
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'u-web',
      labels: { app: 'web', 'app.kubernetes.io/part-of': 'shop' },
      annotations: { 'prometheus.io/scrape': 'true', empty: '' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.1.0.1',
      ports: [
        { name: 'http', port: 80, protocol: 'TCP' },
        { port: 53, protocol: 'UDP' },
      ],
    },
  },
  {
    metadata: { name: 'outside', namespace: 'shop', uid: 'u-outside' },
    spec: { type: 'ExternalName', externalName: 'example.com', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] },
  },
  {
    metadata: { name: 'front', namespace: 'edge', uid: 'u-front' },
    spec: {
      type: 'LoadBalancer',
      clusterIP: '10.1.0.2',
      loadBalancerIP: '203.0.113.7',
      ports: [{ name: 'https', port: 443, protocol: 'TCP' }],
    },
  },
];

const pods: Pod[] = [
  {
    metadata: {
      name: 'web-1',
      namespace: 'shop',
      uid: 'u-web-1',
      labels: { app: 'web' },
      annotations: { 'prometheus.io/port': '8080' },
      ownerReferences: [
        { kind: 'Other', name: 'other' },
        { kind: 'ReplicaSet', name: 'web-abc', controller: true },
      ],
    },
    spec: {
      nodeName: 'n1',
      initContainers: [{ name: 'migrate', image: 'migrate:1' }],
      containers: [
        {
          name: 'app',
          image: 'app:1',
          ports: [
            { name: 'http', containerPort: 8080, protocol: 'TCP' },
            { name: 'admin', containerPort: 8081, protocol: 'TCP' },
          ],
        },
        { name: 'sidecar', image: 'sidecar:1' },
      ],
    },
    status: {
      phase: 'Running',
      podIP: '10.2.0.1',
      hostIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [
        { name: 'app', containerID: 'containerd://app' },
        { name: 'sidecar', containerID: 'containerd://sidecar' },
      ],
      initContainerStatuses: [{ name: 'migrate', containerID: 'containerd://migrate' }],
    },
  },
  {
    metadata: { name: 'web-2', namespace: 'shop', uid: 'u-web-2', labels: { app: 'web' } },
    spec: {
      nodeName: 'n2',
      containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 8080, protocol: 'TCP' }] }],
    },
    status: { phase: 'Running', podIP: 'fd00::22', conditions: [{ type: 'Ready', status: 'False' }] },
  },
  {
    metadata: { name: 'waiting', namespace: 'shop', uid: 'u-waiting' },
    spec: { containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 8080, protocol: 'TCP' }] }] },
    status: { phase: 'Pending' },
  },
  {
    metadata: { name: 'done', namespace: 'edge', uid: 'u-done' },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'job', image: 'job:1', ports: [{ containerPort: 9000, protocol: 'TCP' }] }],
    },
    status: { phase: 'Succeeded', podIP: '10.2.0.9', hostIP: '10.0.0.1' },
  },
];

const endpoints: Endpoints[] = [
  {
    metadata: { name: 'web', namespace: 'shop', uid: 'u-ep-web', labels: { app: 'web' }, annotations: { a: 'b' } },
    subsets: [
      {
        addresses: [
          { ip: '10.2.0.1', nodeName: 'n1', targetRef: { kind: 'Pod', name: 'web-1', namespace: 'shop' } },
          { ip: '192.0.2.1', hostname: 'outside' },
        ],
        notReadyAddresses: [
          { ip: 'fd00::22', nodeName: 'n2', targetRef: { kind: 'Pod', name: 'web-2', namespace: 'shop' } },
        ],
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      },
    ],
  },
  {
    metadata: { name: 'jobs', namespace: 'edge', uid: 'u-ep-jobs' },
    subsets: [
      {
        addresses: [{ ip: '10.2.0.9', nodeName: 'n1', targetRef: { kind: 'Pod', name: 'done', namespace: 'edge' } }],
        ports: [{ port: 9001, protocol: 'TCP' }],
      },
    ],
  },
];

const slices: EndpointSlice[] = [
  {
    metadata: {
      name: 'web-x1',
      namespace: 'shop',
      uid: 'u-eps-web',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: ['10.2.0.1'],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: 'n1',
        zone: 'eu-1',
        targetRef: { kind: 'Pod', name: 'web-1', namespace: 'shop' },
      },
      {
        addresses: ['192.0.2.1'],
        conditions: { ready: false },
        hostname: 'outside',
        nodeName: 'n2',
        deprecatedTopology: { 'topology.kubernetes.io/region': 'eu' },
      },
    ],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP', appProtocol: 'http' }],
  },
];

const ingresses: Ingress[] = [
  {
    metadata: { name: 'site', namespace: 'edge', uid: 'u-site', labels: { app: 'site' } },
    spec: {
      ingressClassName: 'nginx',
      tls: [{ hosts: ['shop.example.com', '*.api.example.com'] }],
      rules: [
        { host: 'shop.example.com', http: { paths: [{ path: '/' }, { path: '/cart' }, {}] } },
        { host: 'v1.api.example.com', http: { paths: [{ path: '/v1' }] } },
        { host: 'a.b.api.example.com' },
        { host: 'plain.example.com' },
      ],
    },
  },
];

export const objectsOfCluster = { nodes, services, pods, endpoints, endpointslices: slices, ingresses };

export function fillCluster(api: ApiServer): void {
  for (const [resource, objects] of Object.entries(objectsOfCluster)) {
    for (const object of objects) api.apply(resource, object);
  }
}
