const COLOURS: Readonly<Record<string, number>> = { debug: 90, trace: 90, info: 32, warn: 33, error: 31, fatal: 31 };

/** Turns JSON events into lines for a person: `04:07:22.123 INFO  message key=value`. */
export function createReadableStream(
  output: { write(text: string): unknown },
  colour: boolean,
): { write(line: string): void } {
  return { write: (line) => void output.write(readableLine(line, colour)) };
}

export function readableLine(line: string, colour: boolean): string {
  let event: Record<string, unknown>;
  try {
    event = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { time, level, msg, service: _service, err, error, ...fields } = event;
  const name = String(level).toUpperCase().padEnd(5);
  const shown = colour ? `\u001b[${COLOURS[String(level)] ?? 0}m${name}\u001b[0m` : name;
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${textOf(value)}`);
  return `${String(time).slice(11, 23)} ${shown} ${String(msg ?? '')}${pairs.join('')}${errorText(err ?? error)}\n`;
}

function textOf(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value;
  return JSON.stringify(value);
}

function errorText(error: unknown): string {
  if (error === undefined) return '';
  if (typeof error !== 'object' || error === null) return ` error=${textOf(error)}`;
  const { stack, message } = error as { stack?: unknown; message?: unknown };
  return `\n  ${String(stack ?? message).replaceAll('\n', '\n  ')}`;
}
