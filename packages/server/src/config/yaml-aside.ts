import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const { parse } = require(workerData.yaml);
parentPort.postMessage(JSON.stringify(parse(workerData.text, { schema: 'failsafe', merge: true, maxAliasCount: 1000 })));
`;
/** YAML takes a hundred times its size while it is read. */
const MEMORY_MIB = 1024;

/**
 * The JSON of a long YAML text, read in a thread of its own: reading takes some seconds a MiB. Scalars are texts, as they
 * are written.
 * @throws Error with what is wrong, and where
 */
export function yamlToJson(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, {
      eval: true,
      workerData: { text, yaml: createRequire(import.meta.url).resolve('yaml') },
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB },
    });
    worker.on('message', resolve);
    worker.on('error', (error) =>
      reject(new Error(`not valid YAML: ${error.message.split('\n')[0]}`, { cause: error })),
    );
    worker.on('exit', () => reject(new Error('the YAML could not be read')));
    worker.unref();
  });
}
