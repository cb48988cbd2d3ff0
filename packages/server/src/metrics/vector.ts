/** One string for each label name. */
export type LabelValues<Names extends readonly string[]> = { readonly [Index in keyof Names]: string };

interface Member<Child> {
  readonly values: readonly string[];
  readonly child: Child;
}

/**
 * The children of a metric with labels. `labels(…)` finds or creates one; keep what it returns where the label values
 * are known in advance, then an increment costs no look-up.
 */
export class MetricVector<Child, Names extends readonly string[] = readonly string[]> {
  readonly #members = new Map<string, Member<Child>>();
  readonly #labelNames: Names;
  readonly #createChild: () => Child;

  constructor(labelNames: Names, createChild: () => Child) {
    this.#labelNames = labelNames;
    this.#createChild = createChild;
  }

  /** The child with these label values, in the order of the label names. */
  labels(...values: LabelValues<Names>): Child {
    const key = keyOf(values);
    let member = this.#members.get(key);
    if (member === undefined) {
      if (values.length !== this.#labelNames.length) {
        throw new TypeError(`expected values for the labels ${this.#labelNames.join(', ')}, found ${values.length}`);
      }
      member = { values: [...values], child: this.#createChild() };
      this.#members.set(key, member);
    }
    return member.child;
  }

  /** Forgets a child, so that a target or route that is gone leaves `/metrics`. Returns whether it was there. */
  remove(...values: LabelValues<Names>): boolean {
    return this.#members.delete(keyOf(values));
  }

  clear(): void {
    this.#members.clear();
  }

  /** Every child with its label values, oldest first. */
  members(): Iterable<Member<Child>> {
    return this.#members.values();
  }
}

/** Lengths in front keep `['a', 'b,c']` and `['a,b', 'c']` apart. */
function keyOf(values: readonly string[]): string {
  if (values.length === 1) return values[0]!;
  let key = '';
  for (const value of values) key += `${value.length}:${value}`;
  return key;
}
