/** The two wire formats of the log's HTTP API. */
export type LogFormat = 'protobuf' | 'json';

/** Media type of a response in a format. */
export const LOG_CONTENT_TYPES: Readonly<Record<LogFormat, string>> = {
  protobuf: 'application/protobuf',
  json: 'application/json',
};

/** Format of a request's body: protobuf for `application/protobuf`, JSON for anything else. */
export function logRequestFormat(contentType: string | undefined): LogFormat {
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  return mediaType === 'application/protobuf' ? 'protobuf' : 'json';
}

/** Format of the answer: protobuf if the client lists `application/protobuf` as acceptable, else JSON. */
export function logResponseFormat(accept: string | undefined): LogFormat {
  for (const range of accept?.split(',') ?? []) if (logRequestFormat(range) === 'protobuf') return 'protobuf';
  return 'json';
}
