import type { Reporter, TestModule } from 'vitest/node';

/**
 * The last line of a run, which CI reads: `N passed, N failed`. A file that could not even load counts as one failure. Before it, the
 * tests that passed only when they were tried again, with what was wrong the first time.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let [passed, failed, skipped] = [0, unhandled.length, 0];
    const unsteady: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        if (test.diagnostic()?.flaky === true) {
          const first = errors?.[0];
          unsteady.push(`${module.relativeModuleId}: ${test.fullName}\n${first?.stack ?? first?.message ?? ''}`);
        }
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else skipped += 1;
      }
      failed += module.errors().length;
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
    }
    // The default reporter writes its summary after ours has been called, and this line is to be the last.
    process.on('exit', () => {
      for (const name of unsteady) console.log(`passed only the second time: ${name}`);
      console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
    });
  }
}
