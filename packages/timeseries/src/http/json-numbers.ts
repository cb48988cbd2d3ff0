/** Sample values and times as Prometheus writes them into JSON. */

/** The shortest decimal that gives the number again, with Go's exponents: `1e+21`, `1e-07`, `+Inf`, `-0`. */
export function formatValue(value: number): string {
  const text = String(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const exponent = text.indexOf('e');
  if (exponent >= 0) return text.length - exponent === 3 ? `${text.slice(0, exponent + 2)}0${text.slice(-1)}` : text;
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : text;
}

/** A time in ms as seconds: without a fraction, or with three digits of it. */
export function formatTime(timeMs: number): string {
  const isNegative = timeMs < 0;
  const absolute = Math.abs(Math.round(timeMs));
  const fraction = absolute % 1000;
  const seconds = String((absolute - fraction) / 1000);
  const text = fraction === 0 ? seconds : `${seconds}.${String(fraction).padStart(3, '0')}`;
  return isNegative && absolute > 0 ? `-${text}` : text;
}
