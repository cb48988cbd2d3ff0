const HTML_UNSAFE = /[<>&\u2028\u2029]/g;

/** JSON as Go's encoder writes it: what could be taken for HTML or a line break of a script is escaped. */
export function jsonText(value: unknown): string {
  // In JSON text these characters occur inside of strings only.
  return JSON.stringify(value).replace(
    HTML_UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
