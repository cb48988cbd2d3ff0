import type { ServerResponse } from 'node:http';
import { sendBytes } from '@opendata/server';
import { encodeScanResponseParts, LOG_CONTENT_TYPES, type LogFormat, type ScanColumns } from '@opendata/wire';
import type { AnswerMemory } from './answer-memory.ts';
import { drained } from './drained.ts';

/** Answers of more bytes are sent in parts of this size. */
const partBytes = 128 * 1024;

/**
 * Answers with a page. A large one goes out part by part: the client reads the first ones while the others are made, and
 * others have their turn in between. None is made before the client took the one before.
 */
export async function sendPage(
  response: ServerResponse,
  memory: AnswerMemory,
  format: LogFormat,
  key: Uint8Array | undefined,
  page: ScanColumns,
): Promise<void> {
  const { sizeBytes, parts } = encodeScanResponseParts(format, key, page, partBytes);
  const contentType = LOG_CONTENT_TYPES[format];
  if (sizeBytes <= partBytes) {
    for (const whole of parts) sendBytes(response, 200, contentType, whole);
    return;
  }
  memory.hold(response, sizeBytes);
  response.writeHead(200, { 'content-type': contentType, 'content-length': sizeBytes });
  for (const part of parts) {
    if (response.destroyed) return;
    if (!response.write(part) && !(await drained(response))) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}
