// Stands in for what the engine does not answer in the page yet: the command line answers, over texts in files.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = process.env.FLCM_PROGRAM ?? 'flcm';

function withFiles(texts, use) {
  const folder = mkdtempSync(join(tmpdir(), 'flcm-dev-'));
  try {
    return use(texts.map((text, at) => {
      const file = join(folder, `${at}.yaml`);
      writeFileSync(file, text);
      return file;
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const run = (...args) => JSON.parse(execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 }));

const functions = {
  diff: ({ base, text }) => withFiles([base, text], (files) => run('diff', '--json', ...files)),
  simulate: ({ text, flag, errorRate, perSecond, share, runs }) =>
    withFiles([text], ([file]) => run('simulate', '--json', '--flag', flag, '--error-rate', String(errorRate), '--rps', String(perSecond), '--share', String(share), '--runs', String(runs), file)),
};

/** What a function of the engine answers. */
export const engineAnswer = (name, argument) => functions[name](argument);
