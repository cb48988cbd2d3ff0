/**
 * Makes each schema of a folder with Kubernetes' JSON schemas stand alone, with the definitions that it needs inside:
 * node scripts/standalone-schemas.mjs FROM TO. Validators can then read them offline.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The kinds that our charts use. */
const files = [
  'clusterrole-rbac-v1.json',
  'clusterrolebinding-rbac-v1.json',
  'configmap-v1.json',
  'deployment-apps-v1.json',
  'networkpolicy-networking-v1.json',
  'persistentvolumeclaim-v1.json',
  'pod-v1.json',
  'poddisruptionbudget-policy-v1.json',
  'role-rbac-v1.json',
  'rolebinding-rbac-v1.json',
  'secret-v1.json',
  'service-v1.json',
  'serviceaccount-v1.json',
];
const prefix = /^(?:\/api\/_definitions\.json)?#\/\$defs\//;

const [from, to] = process.argv.slice(2);
for (const version of readdirSync(from).filter((name) => name.endsWith('-strict'))) {
  const { $defs: all } = read(version, '_definitions.json');
  mkdirSync(join(to, version), { recursive: true });
  for (const file of files) {
    const { $id: _, ...schema } = read(version, file);
    schema.$defs = {};
    inline(schema, all, schema.$defs);
    writeFileSync(join(to, version, file), JSON.stringify(schema));
  }
}

function read(version, file) {
  return JSON.parse(readFileSync(join(from, version, file), 'utf8'));
}

/** Points every reference of `node` into `used`, and brings there what it refers to. */
function inline(node, all, used) {
  if (typeof node !== 'object' || node === null) return;
  if (typeof node.$ref === 'string') {
    const name = node.$ref.replace(prefix, '');
    node.$ref = `#/$defs/${name}`;
    if (used[name] === undefined) {
      used[name] = structuredClone(all[name]);
      inline(used[name], all, used);
    }
  }
  for (const [key, value] of Object.entries(node)) if (key !== '$defs') inline(value, all, used);
}
