/** A form, or the query string of a URL, as Prometheus reads it: pairs that are not well formed are left out. */
export interface Form {
  readonly values: URLSearchParams;
  /** Of the first pair that was left out. */
  readonly fault: string | undefined;
}

const MALFORMED = /;|%(?![0-9a-f]{2})/i;

export function parseForm(text: string): Form {
  if (!MALFORMED.test(text)) return { values: new URLSearchParams(text), fault: undefined };
  const kept: string[] = [];
  let fault: string | undefined;
  for (const pair of text.split('&')) {
    const own = faultOf(pair);
    if (own === undefined) kept.push(pair);
    fault ??= own;
  }
  return { values: new URLSearchParams(kept.join('&')), fault };
}

function faultOf(pair: string): string | undefined {
  if (pair.includes(';')) return 'invalid semicolon separator in query';
  const found = /%(?![0-9a-f]{2}).{0,2}/i.exec(pair);
  return found === null ? undefined : `invalid URL escape ${JSON.stringify(found[0])}`;
}
