const KEY =
  '["\']?\\b(?:password|credentials|client_secret|secret_access_key|secret_key|access_key|access_key_id|session_token|bearer_token|token|account_key|sas_token)["\']?[ \\t]*:[ \\t]+';
const VALUE = "\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^']|'')*'|[^,}\\n#]*[^,}\\n#\\s]";
const SECRET = new RegExp(`(${KEY})(?:${VALUE})`, 'g');
const BLOCK = new RegExp(`^([ \\t-]*)${KEY}[|>]`);

/** The configuration file without what is secret in it. */
export function withoutSecrets(text: string): string {
  const lines: string[] = [];
  /** Indentation of the key whose block of text is left out, or -1. */
  let blockIndent = -1;
  for (const line of text.split('\n')) {
    const indent = line.length - line.trimStart().length;
    if (blockIndent >= 0 && (line.trim() === '' || indent > blockIndent)) continue;
    blockIndent = BLOCK.exec(line)?.[1]?.length ?? -1;
    lines.push(line);
  }
  return lines.join('\n').replace(SECRET, (_whole, key: string) => `${key}<secret>`);
}
