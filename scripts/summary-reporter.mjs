import { appendFileSync, writeFileSync } from 'node:fs';

/**
 * Counts test results and, when TEST_SUMMARY_FILE is set, leaves `{passed, failed, skipped}` there,
 * so that the test command can print one closing line.
 */
export default class SummaryReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      if (module.state() === 'failed' && module.errors().length > 0) count.failed++;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === 'passed') count.passed++;
        else if (state === 'failed') count.failed++;
        else count.skipped++;
      }
    }
    count.failed += unhandledErrors.length;
    const file = process.env.TEST_SUMMARY_FILE;
    if (file) writeFileSync(file, JSON.stringify(count));
    else appendFileSync(1, `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
  }
}
