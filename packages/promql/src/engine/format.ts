/** A float as Go's `strconv.FormatFloat(x, 'f', -1, 64)` writes it: shortest digits, never an exponent. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const e = text.indexOf('e');
  if (e < 0) return text;
  const exponent = Number(text.slice(e + 1));
  const negative = text.startsWith('-');
  const [whole, fraction = ''] = text.slice(negative ? 1 : 0, e).split('.') as [string, string?];
  const digits = whole + fraction;
  const point = whole.length + exponent;
  const plain =
    point <= 0
      ? `0.${'0'.repeat(-point)}${digits}`
      : point >= digits.length
        ? digits + '0'.repeat(point - digits.length)
        : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return negative ? `-${plain}` : plain;
}

/** A float as Go's `%g` (shortest) writes it: with an exponent where that is below -4 or above 5. */
export function formatGeneral(value: number): string {
  return formatWithExponentFrom(6, value);
}

/** A float as Go's `%.2g` writes it: halves go to the even digit. */
export function formatTwoDigits(value: number): string {
  if (!Number.isFinite(value)) return formatFloat(value);
  // All digits that a float can have to the left of where a half would end.
  const [, kept, even, rest, exponent] = /^(-?\d\.)(\d)(\d*)(e.*)$/.exec(value.toExponential(99))!;
  const down = /^50*$/.test(rest!) && Number(even) % 2 === 0;
  return formatWithExponentFrom(2, Number(down ? `${kept}${even}${exponent}` : value.toPrecision(2)));
}

function formatWithExponentFrom(least: number, value: number): string {
  if (!Number.isFinite(value)) return formatFloat(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < least) return formatFloat(value);
  const sign = exponent < 0 ? '-' : '+';
  return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** A float as Go's `%f` writes it: six digits after the point, never an exponent. */
export function formatFixed(value: number): string {
  if (!Number.isFinite(value)) return formatFloat(value);
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.000000`;
  return Object.is(value, -0) ? '-0.000000' : value.toFixed(6);
}

/** A float as OpenMetrics writes it in labels: always with a point or an exponent. */
export function formatOpenMetrics(value: number): string {
  const text = formatGeneral(value);
  return Number.isFinite(value) && !/[.e]/.test(text) ? `${text}.0` : text;
}
