import { compareStrings, METRIC_NAME } from '@opendata/promql';
import type { OtlpResource, OtlpScope } from '@opendata/wire';
import { labelName } from './names.ts';
import type { OtlpSettings } from './settings.ts';

const SERVICE_NAME = 'service.name';
const SERVICE_NAMESPACE = 'service.namespace';
const INSTANCE_ID = 'service.instance.id';
const IDENTIFYING = new Set([SERVICE_NAME, SERVICE_NAMESPACE, INSTANCE_ID]);
const TARGET_INFO = 'target_info';

/** Labels that all series of a resource, or of a scope in it, have. */
export interface OwnerLabels {
  /** Set where a point has no such label. */
  readonly promoted: ReadonlyMap<string, string>;
  /** Set whatever a point has. */
  readonly scope: ReadonlyMap<string, string>;
  /** `job` and `instance`. */
  readonly target: ReadonlyMap<string, string>;
}

/** @throws OtlpNameError */
export function ownerLabels(resource: OtlpResource, scope: OtlpScope | undefined, settings: OtlpSettings): OwnerLabels {
  const promoted = new Map<string, string>();
  for (const [key, value] of pairs(resource.attributes)) {
    if (settings.namedAttributes.has(key) === settings.promotesAllResourceAttributes) continue;
    const name = labelName(key, settings);
    if (!promoted.get(name)) promoted.set(name, value);
  }
  return { promoted, scope: scopeLabels(scope, settings), target: targetLabels(resource) };
}

function scopeLabels(scope: OtlpScope | undefined, settings: OtlpSettings): Map<string, string> {
  const labels = new Map<string, string>();
  if (scope === undefined || scope.name === '' || !settings.promotesScope) return labels;
  for (const [key, value] of pairs(scope.attributes)) labels.set(labelName(`otel_scope_${key}`, settings), value);
  labels.set('otel_scope_name', scope.name);
  labels.set('otel_scope_version', scope.version);
  labels.set('otel_scope_schema_url', scope.schemaUrl);
  return labels;
}

function targetLabels(resource: OtlpResource): Map<string, string> {
  const attributes = new Map(pairs(resource.attributes));
  const labels = new Map<string, string>();
  const name = attributes.get(SERVICE_NAME);
  const namespace = attributes.get(SERVICE_NAMESPACE);
  const instance = attributes.get(INSTANCE_ID);
  if (name !== undefined) labels.set('job', namespace === undefined ? name : `${namespace}/${name}`);
  if (instance !== undefined) labels.set('instance', instance);
  return labels;
}

/**
 * Labels of a point's series, as [name, value, …] sorted by name, without empty values.
 * @throws OtlpNameError
 */
export function pointLabels(
  attributes: readonly string[],
  owner: OwnerLabels,
  metric: string,
  settings: OtlpSettings,
): string[] {
  const labels = attributeLabels(attributes, settings);
  for (const [name, value] of owner.promoted) if (!labels.get(name)) labels.set(name, value);
  for (const [name, value] of owner.scope) labels.set(name, value);
  for (const [name, value] of owner.target) labels.set(name, value);
  labels.set(METRIC_NAME, metric);
  return sorted(labels);
}

/** Names that become equal share a label, with their values in the order of the attributes' keys. */
function attributeLabels(attributes: readonly string[], settings: OtlpSettings): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [key, value] of [...pairs(attributes)].sort(([a], [b]) => compareStrings(a, b))) {
    const name = labelName(key, settings);
    const known = labels.get(name);
    labels.set(name, known === undefined ? value : `${known};${value}`);
  }
  return labels;
}

/**
 * Labels of the series that carries the resource's attributes; `undefined` where it would say nothing or nobody could
 * join it.
 * @throws OtlpNameError
 */
export function targetInfoLabels(
  resource: OtlpResource,
  owner: OwnerLabels,
  settings: OtlpSettings,
): string[] | undefined {
  const others = [...pairs(resource.attributes)].filter(([key]) => !IDENTIFYING.has(key));
  if (others.length === 0 || owner.target.size === 0) return undefined;
  const shown = settings.keepsIdentifyingAttributes ? resource.attributes : others.flat();
  const labels = attributeLabels(shown, settings);
  for (const [name, value] of owner.target) labels.set(name, value);
  labels.set(METRIC_NAME, TARGET_INFO);
  return sorted(labels);
}

/** The labels of another series of the same point: with another name, and with a label more where there is one. */
export function siblingLabels(labels: readonly string[], metric: string, extra?: readonly [string, string]): string[] {
  const changed: string[] = [];
  let isPlaced = extra === undefined;
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    if (!isPlaced && compareStrings(name, extra![0]) >= 0) {
      changed.push(...extra!);
      isPlaced = true;
    }
    if (name !== extra?.[0]) changed.push(name, name === METRIC_NAME ? metric : labels[i + 1]!);
  }
  if (!isPlaced) changed.push(...extra!);
  return changed;
}

function sorted(labels: ReadonlyMap<string, string>): string[] {
  const kept = [...labels].filter(([, value]) => value !== '');
  return kept.sort(([a], [b]) => compareStrings(a, b)).flat();
}

function* pairs(list: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i < list.length; i += 2) yield [list[i]!, list[i + 1]!];
}
