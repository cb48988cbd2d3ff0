import { Buffer } from 'node:buffer';

/** Text stands for its UTF-8. */
export type LogBytes = Uint8Array | string;

export function bytesOf(bytes: LogBytes): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

/** `bytes` as the value of a parameter of a URL. */
export function percentEncoded(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += percentCodes[byte]!;
  return text;
}

const percentCodes = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /[A-Za-z0-9_.~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});
