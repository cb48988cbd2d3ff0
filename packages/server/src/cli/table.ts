const GAP = '   ';

/** Columns under a head in capitals, three spaces apart. */
export function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head.map((name) => name.toUpperCase()), ...rows.map((row) => row.map(printable))];
  const widths = head.map((_, column) => cells.reduce((width, row) => Math.max(width, (row[column] ?? '').length), 0));
  return cells
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join(GAP))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** Text that a terminal shows as one line and obeys in nothing: control characters become escapes. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
    return named[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
