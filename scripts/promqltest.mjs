// Runs files in Prometheus' test language: node scripts/promqltest.mjs [--json] FILE...
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { runScript } from '../packages/promql/dist/promqltest/run.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
});
if (positionals.length === 0) {
  console.error('usage: npm run promqltest -- [--json] FILE...');
  process.exit(2);
}

let passed = 0;
let failed = 0;
for (const file of positionals) {
  let outcomes;
  try {
    outcomes = await runScript(await readFile(file, 'utf8'));
  } catch (error) {
    failed++;
    if (values.json) console.log(JSON.stringify({ file, error: error.message }));
    else console.log(`${file}: ${error.message}`);
    continue;
  }
  for (const { line, query, problems } of outcomes) {
    if (problems.length === 0) passed++;
    else failed++;
    if (values.json) console.log(JSON.stringify({ file, line, query, passed: problems.length === 0, problems }));
    else if (problems.length > 0) {
      console.log(`${file}:${line}: ${query}`);
      for (const problem of problems) console.log(`    ${problem}`);
    }
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
