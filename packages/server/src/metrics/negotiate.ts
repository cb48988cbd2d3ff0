import type { ExpositionFormat } from './text.ts';

interface AcceptedFormat {
  readonly format: ExpositionFormat;
  readonly quality: number;
}

/** Picks the exposition format that an `Accept` header prefers; text when it names nothing that we write. */
export function negotiateExposition(accept: string | undefined): ExpositionFormat {
  let best: AcceptedFormat | undefined;
  for (const range of (accept ?? '').split(',')) {
    const accepted = parseRange(range);
    if (accepted !== undefined && accepted.quality > (best?.quality ?? 0)) best = accepted;
  }
  return best?.format ?? 'text';
}

function parseRange(range: string): AcceptedFormat | undefined {
  const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  let version: string | undefined;
  let quality = 1;
  for (const parameter of parameters) {
    const [name, value = ''] = parameter.split('=').map((part) => part.trim());
    if (name === 'version') version = value;
    if (name === 'q') quality = Number(value);
  }
  if (!(quality > 0 && quality <= 1)) return undefined;
  if (type === 'application/openmetrics-text' && ['1.0.0', '0.0.1', undefined].includes(version)) {
    return { format: 'openmetrics', quality };
  }
  if (type === 'text/plain' && (version === undefined || version === '0.0.4')) return { format: 'text', quality };
  if (type === '*/*' || type === 'text/*') return { format: 'text', quality };
  return undefined;
}
