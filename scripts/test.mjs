/**
 * The test command: builds, type-checks, lints, runs every test, and closes with `N passed, N failed, N skipped`.
 * Arguments go to vitest (`npm test -- packages/wire`).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const summaryFolder = mkdtempSync(join(tmpdir(), 'opendata-test-'));
const summaryFile = join(summaryFolder, 'summary.json');
const bin = (name) => join(import.meta.dirname, '..', 'node_modules', '.bin', name);
const steps = [
  ['build', [bin('tsc'), '-b']],
  ['type check', [bin('tsc'), '-p', 'tsconfig.check.json']],
  ['lint', [bin('biome'), 'check', '--error-on-warnings', '.']],
  ['tests', [bin('vitest'), 'run', ...process.argv.slice(2)]],
];

let failedSteps = 0;
for (const [name, [command, ...args]] of steps) {
  console.log(`> ${name}`);
  const { status } = spawnSync(command, args, {
    stdio: 'inherit',
    env: { ...process.env, TEST_SUMMARY_FILE: summaryFile },
  });
  if (status !== 0) {
    failedSteps++;
    console.log(`> ${name} failed`);
    if (name === 'build') break;
  }
}

const count = existsSync(summaryFile)
  ? JSON.parse(readFileSync(summaryFile, 'utf8'))
  : { passed: 0, failed: 0, skipped: 0 };
rmSync(summaryFolder, { recursive: true, force: true });
const failed = Math.max(count.failed, failedSteps);
console.log(`${count.passed} passed, ${failed} failed, ${count.skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
