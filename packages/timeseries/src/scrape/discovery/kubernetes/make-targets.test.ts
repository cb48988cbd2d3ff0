import { expect, it } from 'vitest';
import type { KubernetesRole } from '../../../model/kubernetes-discovery-config.ts';
import type { Cluster, ObjectsOfKind } from './cluster.ts';
import { createTargetMaker } from './make-targets.ts';
import type { Node, Pod } from './objects.ts';

const podOf = (name: string, nodeName: string): Pod => ({
  metadata: { name, namespace: 'n', labels: { app: name } },
  spec: { nodeName, containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] },
  status: { podIP: '10.0.0.1' },
});

it('makes again what has changed, and what its node says', async () => {
  let pods = [podOf('a', 'x'), podOf('b', 'y')];
  const nodes = new Map<string, Node>([
    ['x', { metadata: { name: 'x', labels: { zone: '1' } } }],
    ['y', { metadata: { name: 'y', labels: { zone: '1' } } }],
  ]);
  const cluster: Cluster = {
    all: <K extends KubernetesRole>() => pods as readonly object[] as readonly ObjectsOfKind[K][],
    find: <K extends KubernetesRole>(kind: K, _namespace: string | undefined, name: string | undefined) =>
      (kind === 'node' ? nodes.get(name ?? '') : undefined) as ObjectsOfKind[K] | undefined,
  };
  const make = createTargetMaker({ role: 'pod', attachNode: true }, cluster);
  const first = await make();
  expect(first.map(({ targets }) => targets)).toEqual([['10.0.0.1:80'], ['10.0.0.1:80']]);
  pods = [pods[0]!, podOf('b2', 'y')];
  const second = await make();
  expect(second[0]).toBe(first[0]);
  expect(second[1]!.labels['__meta_kubernetes_pod_name']).toBe('b2');
  nodes.set('x', { metadata: { name: 'x', labels: { zone: '2' } } });
  const third = await make();
  expect(third[0]!.labels['__meta_kubernetes_node_label_zone']).toBe('2');
  expect(third[1]).toBe(second[1]);
});

it('gives others their turns', async () => {
  const pods = Array.from({ length: 2000 }, (_, i) => podOf(`p${i}`, 'x'));
  const cluster: Cluster = {
    all: <K extends KubernetesRole>() => pods as readonly object[] as readonly ObjectsOfKind[K][],
    find: () => undefined,
  };
  let isDone = false;
  let turns = 0;
  const count = () => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const targets = await createTargetMaker({ role: 'pod', attachNode: false }, cluster)();
  isDone = true;
  expect(targets).toHaveLength(2000);
  expect(turns).toBeGreaterThan(0);
});
