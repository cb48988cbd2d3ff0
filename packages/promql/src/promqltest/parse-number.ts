const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A float as series descriptions write it: decimal, `Inf` or `NaN` with an optional sign; `undefined` for what is none. */
export function parseFloatText(text: string): number | undefined {
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return DECIMAL.test(text) ? Number(text) : undefined;
}
