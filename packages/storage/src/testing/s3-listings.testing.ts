/** What a listing says of an object. */
export interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly lastModifiedDate: Date;
  readonly metadata: { readonly etag: string };
}

export interface ListOptions {
  readonly prefix?: string;
  readonly startAfter?: string;
  readonly delimiter?: string;
}

export interface Listing {
  readonly objects: readonly ListedObject[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
}

/**
 * Listings of buckets from memory, in one page however long. s3rver looks at every file under the prefix for each, with
 * the whole process at a stop: a database of a thousand objects that two replicas look at ten times a second leaves
 * it no time for anything else, and a test on a busy machine no hope.
 */
export class S3Listings {
  readonly #read: (bucket: string) => Promise<readonly ListedObject[]>;
  readonly #buckets = new Map<string, Map<string, ListedObject>>();

  /** @param read reads a bucket for the first time */
  constructor(read: (bucket: string) => Promise<readonly ListedObject[]>) {
    this.#read = read;
  }

  async list(bucket: string, { prefix = '', startAfter = '', delimiter = '' }: ListOptions): Promise<Listing> {
    let known = this.#buckets.get(bucket);
    if (known === undefined) {
      known = new Map((await this.#read(bucket)).map((object) => [object.key, object]));
      this.#buckets.set(bucket, known);
    }
    const objects: ListedObject[] = [];
    const commonPrefixes = new Set<string>();
    for (const object of known.values()) {
      const { key } = object;
      if (key <= startAfter || !key.startsWith(prefix)) continue;
      const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      if (end < 0) objects.push(object);
      else commonPrefixes.add(key.slice(0, end + delimiter.length));
    }
    objects.sort((a, b) => (a.key < b.key ? -1 : 1));
    return { objects, commonPrefixes: [...commonPrefixes].sort(), isTruncated: false };
  }

  put(bucket: string, key: string, size: number, md5: string): void {
    const metadata = { etag: JSON.stringify(md5) };
    this.#buckets.get(bucket)?.set(key, { key, size, lastModifiedDate: new Date(), metadata });
  }

  remove(bucket: string, key: string): void {
    this.#buckets.get(bucket)?.delete(key);
  }
}
