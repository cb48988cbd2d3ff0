import { parameters } from './parameters.ts';
import { paths } from './paths.ts';
import { schemas } from './schemas.ts';

/** The OpenAPI document of the log's HTTP API, for a server of this version. */
export function openApiDocument(version: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'opendata-log',
      version,
      description:
        'A keyed append-only log. Bytes are base64 in JSON, sequences are numbers below 2^53. An answer is protobuf where ' +
        '`Accept` lists application/protobuf and the answer has it, else JSON; errors are JSON always.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths,
    components: { schemas, parameters },
  };
}
