import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { python } from './kit/python.ts';
import { keysFile, mint, ROOT, Server } from './kit/serve.ts';

const document = `
flags:
  everyone: { rollout: { percentage: 100 } }
  listed: { overrides: { alice: true }, rollout: { percentage: 0 } }
  parent: { enabled: false }
  child: { dependencies: [parent], rollout: { percentage: 100 } }
  held: { rollout: { percentage: 100 } }
  colour: { default: grey, variants: [{ name: red, weight: 1, value: '#f00' }] }
  limit: { default: 3, on: 10, conditions: [{ attribute: plan, operator: in, value: [pro] }] }
  rate: { default: 0.5, on: 1, overrides: { alice: true }, rollout: { percentage: 0 } }
  theme: { default: {}, on: { size: 2 }, rollout: { percentage: 100 } }
`;

const key = mint('backend', 'admin');
const folder = join(ROOT, 'tests/server/python');

type Answer = Record<'value' | 'type' | 'variant' | 'reason' | 'error', unknown> & {
  metadata: Record<string, unknown>;
};

function evaluate(server: Server, questions: readonly (readonly [string, string, unknown, string])[]): Answer[] {
  const program = python('ofrep-0.3.0', join(folder, 'requirements.txt'));
  const args = [join(folder, 'evaluate.py'), server.url, key.key];
  return JSON.parse(execFileSync(program, args, { input: JSON.stringify(questions), encoding: 'utf8' }));
}

test("OpenFeature's provider for Python takes every type, every reason and every error", async () => {
  const server = await Server.start(document, { args: ['--keys', keysFile([key.line])], key: key.key });
  await server.command('held', 'hold');
  const answers = evaluate(server, [
    ['boolean', 'everyone', false, 'alice'],
    ['boolean', 'listed', false, 'alice'],
    ['boolean', 'listed', true, 'bob'],
    ['boolean', 'child', true, 'alice'],
    ['boolean', 'held', true, 'alice'],
    ['string', 'colour', '', 'alice'],
    ['integer', 'limit', 0, 'alice'],
    ['float', 'rate', 0, 'alice'],
    ['float', 'rate', 0, 'bob'],
    ['object', 'theme', {}, 'alice'],
    ['boolean', 'nowhere', true, 'alice'],
    ['string', 'everyone', 'mine', 'alice'],
  ]);
  expect(answers.map(({ value, type, variant, reason, error }) => [value, type, variant, reason, error])).toEqual([
    [true, 'bool', 'on', 'STATIC', null],
    [true, 'bool', 'on', 'TARGETING_MATCH', null],
    [false, 'bool', 'off', 'DEFAULT', null],
    [false, 'bool', 'off', 'DEFAULT', null],
    [false, 'bool', 'off', 'DISABLED', null],
    ['#f00', 'str', 'red', 'STATIC', null],
    [10, 'int', 'on', 'TARGETING_MATCH', null],
    [1, 'float', 'on', 'TARGETING_MATCH', null],
    [0.5, 'float', 'off', 'DEFAULT', null],
    [{ size: 2 }, 'dict', 'on', 'STATIC', null],
    [true, 'bool', null, 'ERROR', 'FLAG_NOT_FOUND'],
    ['mine', 'str', null, 'ERROR', 'TYPE_MISMATCH'],
  ]);
  expect(answers.slice(1, 5).map(({ metadata }) => metadata['flcm.reason'])).toEqual([
    'OVERRIDE',
    'DEFAULT',
    'PREREQUISITE_FAILED',
    'BREAKER_OPEN',
  ]);
});
