// `node tests/bench/drafts.js`: what drafts, differences and simulations take in WebAssembly, after `just packages`.
// Processor time stands beside the time on the clock, because other programs may run.

import { readFileSync } from 'node:fs';
import { createCompiler } from '@flcm/flags-web/compile';

const wasm = new URL('../../pkg/web/dist/compile.wasm', import.meta.url);
const compiler = await createCompiler(readFileSync(process.argv[2] ?? wasm));
const NOW = 1_800_000_000_000;

const flag = (index, percentage) => `  flag_${index}:
    # Who has it.
    description: Flag number ${index}
    rollout:
      percentage: ${percentage}
    conditions:
      - { attribute: country, operator: in, value: [DE, FR] }
    error_threshold:
      rate: 0.05
`;

/** A document in which one flag has another percentage. */
function document(flags, percentage) {
  const written = Array.from({ length: flags }, (_, index) => flag(index, index === 5 ? percentage : index % 100));
  return `flags:\n${written.join('\n')}`;
}

function measure(what, question) {
  const [processor, clock] = [process.cpuUsage(), performance.now()];
  const answer = question();
  const { user, system } = process.cpuUsage(processor);
  const took = [(user + system) / 1000, performance.now() - clock].map((ms) => `${ms.toFixed(0)} ms`.padStart(8));
  console.log(`${what.padEnd(32)}${took[0]} of a processor${took[1]} on the clock`);
  return answer;
}

for (const flags of [100, 10_000]) {
  const workbench = measure(`${flags} flags: base`, () => compiler.workbench(document(flags, 10)));
  for (let draft = 1; draft <= 4; draft += 1) {
    const text = document(flags, 20 + draft);
    measure(`${flags} flags: draft ${draft}`, () => workbench.draft(text));
    measure(`${flags} flags: difference ${draft}`, () => workbench.diff(NOW));
  }
  workbench.free();
}

const { snapshot } = compiler.compile(document(10, 10));
for (const requestsPerSecond of [10, 100, 1000]) {
  const scenario = { flag: 'flag_5', errorRate: 0.2, requestsPerSecond, sharePercent: 25, withPlain: false, now: NOW };
  const simulator = compiler.simulator(snapshot, scenario);
  measure(`${requestsPerSecond}/s: 100 runs and a day`, () => simulator.advance(100, 1));
  measure(`${requestsPerSecond}/s: 900 runs and 99 days`, () => simulator.advance(900));
  simulator.free();
}
