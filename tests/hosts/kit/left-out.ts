import type { Reporter, TestModule } from 'vitest/node';

/** Says at the end which tests were left out: what a host does not have to pass is not to be forgotten. */
export class LeftOut implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const skipped = tests.filter((test) => test.result().state === 'skipped');
    console.log(`${tests.length - skipped.length} tests were run, ${skipped.length} left out:`);
    for (const test of skipped) {
      const { note = '' } = test.result() as { note?: string };
      console.log(`  ${test.module.relativeModuleId} > ${test.fullName}${note && ` (${note})`}`);
    }
  }
}
