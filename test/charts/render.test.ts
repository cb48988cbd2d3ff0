import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  chartFolder,
  chartNames,
  findManifest,
  helm,
  installNotes,
  kubeconform,
  kubernetesSchemas,
  lintChart,
  type Manifest,
  manifestsOf,
  renderChart,
} from '../support/chart-tools.ts';
import { guide, writeGuideChart } from '../support/guide.ts';
import { maximalValues } from './values.ts';

const root = join(import.meta.dirname, '..', '..');
const readJson = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8')) as { version: string };
const ownSchemas = join(import.meta.dirname, 'schemas', '{{ .ResourceKind }}.json');

describe.skipIf(helm === undefined).each(chartNames)('the chart %s', (chart) => {
  const cases = [
    ['default', {}],
    ['maximal', maximalValues(chart)],
    ['GCS', { objectStore: 'gcs', gcs: { bucket: 'my-bucket' } }],
    ['Azure', { objectStore: 'azure', azure: { account: 'account', container: 'container' } }],
    [
      'least',
      { cache: { enabled: false }, serviceAccount: { create: false, name: 'default' }, slatedb: { defaultTtl: 0 } },
    ],
  ] as const;

  it.each(cases)('passes helm lint with %s values', (_name, values) => {
    expect(lintChart(chart, values)).toContain('0 chart(s) failed');
  });

  describe.skipIf(kubeconform === undefined || kubernetesSchemas === undefined)('validated by kubeconform', () => {
    const versions = (kubernetesSchemas === undefined ? [] : readdirSync(kubernetesSchemas))
      .map((folder) => /^v(\d+\.(\d+)\.\d+)-local-strict$/.exec(folder))
      .filter((match) => match !== null)
      .sort((a, b) => Number(a[2]) - Number(b[2]))
      .map((match) => match[1]!);
    const ends = [...new Set([versions[0]!, versions.at(-1)!])];
    it.each(ends.flatMap((version) => cases.map(([name, values]) => [version, name, values] as const)))(
      'for Kubernetes %s with %s values',
      (version, _name, values) => {
        const rendered = renderChart(chart, values);
        const location = `${kubernetesSchemas}/{{ .NormalizedKubernetesVersion }}-local{{ .StrictSuffix }}/{{ .ResourceKind }}{{ .KindSuffix }}.json`;
        const output = execFileSync(
          kubeconform!,
          [
            '-strict',
            '-summary',
            '-kubernetes-version',
            version,
            '-schema-location',
            location,
            '-schema-location',
            ownSchemas,
          ],
          { input: rendered, encoding: 'utf8' },
        );
        expect(output).toContain('Invalid: 0, Errors: 0, Skipped: 0');
      },
    );
  });

  it('gives a pod that may write to its cache and /tmp only, as a user of its own', () => {
    const { template, strategy, replicas } = findManifest(manifestsOf(renderChart(chart)), 'Deployment').spec;
    const [container] = template.spec.containers;
    expect(replicas).toBe(1);
    expect(strategy).toEqual({ type: 'Recreate' });
    expect(template.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 1000,
    });
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
    const writable = container.volumeMounts.filter((mount: Manifest) => mount.readOnly !== true);
    expect(writable.map((mount: Manifest) => mount.mountPath)).toEqual(['/cache', '/tmp']);
    expect(template.spec.terminationGracePeriodSeconds).toBe(60);
  });

  it('rolls the pod when the configuration changes, and only then', () => {
    const checksum = (values: object) =>
      findManifest(manifestsOf(renderChart(chart, values)), 'Deployment').spec.template.metadata.annotations[
        'checksum/config'
      ];
    expect(checksum({})).toBe(checksum({ service: { type: 'NodePort' } }));
    expect(checksum({})).not.toBe(checksum({ slatedb: { defaultTtl: 1000 } }));
  });

  it('has no read replicas unless they are asked for; then with a Service, caches and a budget of their own', () => {
    expect(renderChart(chart)).not.toContain('-read');
    const manifests = manifestsOf(renderChart(chart, { readReplicas: { enabled: true, replicas: 5 } }));
    const readers = findManifest(manifests, 'Deployment', `${chart}-read`);
    const writer = findManifest(manifests, 'Deployment', chart);
    expect(readers.spec.replicas).toBe(5);
    expect(readers.spec.template.metadata.labels.app).toBe(`${chart}-read`);
    expect(writer.spec.template.metadata.labels.app).toBe(chart);
    expect(findManifest(manifests, 'Service', `${chart}-read`).spec.selector).toEqual({ app: `${chart}-read` });
    expect(findManifest(manifests, 'PodDisruptionBudget', `${chart}-read`).spec.maxUnavailable).toBe(1);
    const cache = readers.spec.template.spec.volumes.find((volume: Manifest) => volume.name === 'cache');
    expect(cache.ephemeral.volumeClaimTemplate.spec.resources.requests.storage).toBe('100Gi');
  });

  it('warns of the bucket that is only a placeholder', () => {
    const notes = (values: object) => installNotes(chart, values);
    expect(notes({})).toMatch(/WARNING: s3.bucket is still my-\w+-bucket/);
    expect(notes({ s3: { bucket: 'mine' } })).not.toContain('WARNING');
    expect(notes({ objectStore: 'gcs', gcs: { bucket: 'mine' } })).not.toContain('WARNING');
  });

  it('takes a ServiceAccount and a claim that exist', () => {
    const manifests = manifestsOf(
      renderChart(chart, { serviceAccount: { create: false, name: 'mine' }, cache: { existingClaim: 'fast' } }),
    );
    expect(manifests.map((manifest) => manifest.kind)).not.toContain('ServiceAccount');
    expect(manifests.map((manifest) => manifest.kind)).not.toContain('PersistentVolumeClaim');
    const { spec } = findManifest(manifests, 'Deployment').spec.template;
    expect(spec.serviceAccountName).toBe('mine');
    expect(spec.volumes).toContainEqual({ name: 'cache', persistentVolumeClaim: { claimName: 'fast' } });
  });

  it.each([
    [{ s3: { buckett: 'a' } }, /buckett/],
    [{ s3: { bucket: 's3://my-bucket' } }, /s3.bucket|\/s3\/bucket/],
    [{ slatedb: { defaultTtl: '7d' } }, /defaultTtl/],
    [{ serviceAccount: { create: false } }, /serviceAccount/],
    [{ serviceAccount: { roleArn: 'opendata' } }, /roleArn/],
    [{ objectStore: 'gcs' }, /gcs.bucket is needed/],
    [{ port: 123456 }, /port/],
  ])('refuses %j', (values, message) => {
    expect(() => renderChart(chart, values)).toThrow(message);
  });

  it('may be installed twice in a namespace: every name begins with the release', () => {
    const names = manifestsOf(renderChart(chart, maximalValues(chart))).map((manifest) => manifest.metadata.name);
    for (const name of names) expect(name).toMatch(new RegExp(`^${chart}(-|$)`));
  });
});

describe.skipIf(helm === undefined)('the rights to find targets', () => {
  const render = (rbac: object) =>
    manifestsOf(renderChart('opendata-timeseries', { rbac })).filter(({ kind }) => /Role/.test(kind));
  const resourcesOf = (manifest: Manifest) => manifest.rules.flatMap((rule: Manifest) => rule.resources);
  const namespaced = ['services', 'endpoints', 'pods', 'endpointslices', 'ingresses'];

  it('are not made unless they are asked for', () => {
    expect(render({ create: false, namespaces: ['shop'] })).toEqual([]);
  });

  it('are for the whole cluster where no namespaces are named', () => {
    const [role, binding, ...others] = render({ create: true, nodes: true });
    expect(others).toEqual([]);
    expect([role.kind, binding.kind]).toEqual(['ClusterRole', 'ClusterRoleBinding']);
    expect(resourcesOf(role)).toEqual(['nodes', ...namespaced]);
    expect(binding.roleRef).toMatchObject({ kind: 'ClusterRole', name: role.metadata.name });
    expect(binding.subjects).toEqual([{ kind: 'ServiceAccount', name: 'opendata-timeseries', namespace: 'default' }]);
  });

  it('are for the namespaces that are named, nodes apart', () => {
    const roles = render({ create: true, namespaces: ['shop', 'payments'], nodes: true });
    expect(roles.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}`).sort()).toEqual([
      'ClusterRole ',
      'ClusterRoleBinding ',
      'Role payments',
      'Role shop',
      'RoleBinding payments',
      'RoleBinding shop',
    ]);
    expect(roles.filter(({ kind }) => kind === 'Role').map(resourcesOf)).toEqual([namespaced, namespaced]);
    expect(resourcesOf(findManifest(roles, 'ClusterRole'))).toEqual(['nodes']);
    expect(render({ create: true, namespaces: ['shop'] }).map(({ kind }) => kind)).toEqual(['Role', 'RoleBinding']);
  });

  it('only ever read', () => {
    for (const manifest of render({ create: true, nodes: true, namespaces: [] })) {
      for (const rule of manifest.rules ?? []) expect(rule.verbs).toEqual(['get', 'list', 'watch']);
    }
  });
});

it.each(chartNames)('the version of %s is that of every package, and the tag of the image follows it', (chart) => {
  const { version } = readJson('package.json');
  for (const name of readdirSync(join(root, 'packages'))) {
    expect(readJson(`packages/${name}/package.json`).version, name).toBe(version);
  }
  const { version: chartVersion, appVersion } = parse(readFileSync(join(chartFolder(chart), 'Chart.yaml'), 'utf8'));
  expect([chartVersion, appVersion]).toEqual([version, version]);
  expect(parse(readFileSync(join(chartFolder(chart), 'values.yaml'), 'utf8')).image.tag).toBe('');
});

describe.skipIf(helm === undefined).each(chartNames)('the image of %s', (chart) => {
  it.each([
    [{}, readJson('package.json').version],
    [{ image: { tag: '0.1.8' } }, '0.1.8'],
  ])('with %j has the tag %s', (values, tag) => {
    const { metadata, spec } = findManifest(manifestsOf(renderChart(chart, values)), 'Deployment');
    const [container] = spec.template.spec.containers;
    expect(container.image).toBe(`ghcr.io/opendata-oss/${chart.replace('opendata-', '')}:${tag}`);
    expect(metadata.labels['app.kubernetes.io/version']).toBe(tag);
  });
});

it('the charts share every template but the one that says what differs, and the rights to find targets', () => {
  const [timeseries, log] = chartNames.map((name) => join(chartFolder(name), 'templates'));
  const filesIn = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.\w+$/.test(file));
  const files = filesIn(log!);
  expect(filesIn(timeseries!).filter((file) => file !== 'rbac.yaml')).toEqual(files);
  const differing = files.filter(
    (file) => readFileSync(join(timeseries!, file), 'utf8') !== readFileSync(join(log!, file), 'utf8'),
  );
  expect(differing).toEqual(['_config.tpl']);
});

describe.skipIf(helm === undefined || guide === undefined)("the guide's chart", () => {
  const values = { serviceAccount: { roleArn: 'arn:aws:iam::123456789012:role/opendata-timeseries' } };
  const folder = guide === undefined ? '' : writeGuideChart(guide);
  const theirs =
    helm === undefined || guide === undefined ? [] : manifestsOf(renderChart('opendata-timeseries', values, folder));
  const guideValues = guide === undefined ? {} : parse(readFileSync(join(folder, 'values.yaml'), 'utf8'));
  if (folder !== '') rmSync(folder, { recursive: true });
  const ours =
    helm === undefined
      ? []
      : manifestsOf(renderChart('opendata-timeseries', { ...values, image: { tag: guideValues.image?.tag } }));

  it('has the same default values, but for the version', () => {
    const { repository } = guideValues.image;
    expect(parse(readFileSync(join(chartFolder('opendata-timeseries'), 'values.yaml'), 'utf8'))).toMatchObject({
      ...guideValues,
      image: { repository },
    });
  });

  it.each(theirs.map((manifest) => [manifest.kind, manifest] as const))(
    '%s: all of it is in ours',
    (kind, manifest) => {
      const same = findManifest(ours, kind, manifest.metadata.name);
      expectWithin(readable(same), readable(manifest));
    },
  );
});

/** Files in a ConfigMap compare by what they say. */
function readable(manifest: Manifest): Manifest {
  if (manifest.kind !== 'ConfigMap') return manifest;
  const data = Object.entries(manifest.data).map(([name, text]) => [name, parse(text as string)]);
  return { ...manifest, data: Object.fromEntries(data) };
}

/** Objects may have further keys, and lists of named things further members; everything else is equal. */
function expectWithin(actual: Manifest, expected: Manifest, path = ''): void {
  if (Array.isArray(expected)) {
    expected.forEach((item, i) => {
      const match =
        typeof item === 'object' && 'name' in item ? actual.find((a: Manifest) => a.name === item.name) : actual[i];
      expectWithin(match, item, `${path}[${i}]`);
    });
  } else if (typeof expected === 'object' && expected !== null) {
    for (const key of Object.keys(expected)) expectWithin(actual?.[key], expected[key], `${path}.${key}`);
  } else expect(actual, path).toEqual(expected);
}
