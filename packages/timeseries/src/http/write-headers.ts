import type { IncomingHttpHeaders } from 'node:http';
import { HttpError } from '@opendata/server';

const VERSION_OF_MESSAGE: ReadonlyMap<string, 1 | 2> = new Map([
  ['prometheus.WriteRequest', 1],
  ['io.prometheus.write.v2.Request', 2],
]);

/**
 * The version of remote write that a request speaks.
 * @throws HttpError 415 for another message or compression
 */
export function remoteWriteVersion(headers: Pick<IncomingHttpHeaders, 'content-type' | 'content-encoding'>): 1 | 2 {
  // An absent or empty header means 1.0: the first senders did not set it.
  const header = headers['content-type'] || 'application/x-protobuf';
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim());
  if (type.toLowerCase() !== 'application/x-protobuf') {
    throw new HttpError(415, `expected application/x-protobuf as the first (media) part, got ${header} content-type`);
  }
  let version: 1 | 2 = 1;
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=').map((part) => part.trim());
    if (name.toLowerCase() !== 'proto') continue;
    const known = VERSION_OF_MESSAGE.get(value);
    if (known === undefined) {
      const supported = [...VERSION_OF_MESSAGE.keys()].join(', ');
      throw new HttpError(415, `unknown type for remote write protobuf message ${value}, supported: ${supported}`);
    }
    version = known;
  }
  const encoding = headers['content-encoding'];
  // An absent header means snappy: the first senders did not set it.
  if (encoding !== undefined && encoding !== '' && encoding.toLowerCase() !== 'snappy') {
    throw new HttpError(
      415,
      `${encoding} encoding (compression) is not accepted by this server; only snappy is acceptable`,
    );
  }
  return version;
}
