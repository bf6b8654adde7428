import { expect, test } from 'vitest';
import { until } from '../../kit/server.ts';
import { served, type World, world } from '../kit/world.ts';

const DOCUMENT = `
revision: 1
cohorts:
  friends: { users: [alice] }
  strangers: { users: [zoe] }
flags:
  plain: { rollout: { percentage: 100 } }
  theirs: { rollout: { cohorts: [{ friends: true }] } }
  others: { rollout: { cohorts: [{ strangers: true }] } }
  based: { dependencies: [plain], rollout: { percentage: 100 } }
`;

/** Publishes another document, and answers what is said to have changed. */
async function changed(edit: (document: string) => string): Promise<{ at: World; change: unknown }> {
  const server = await served(DOCUMENT);
  const at = await world({ url: server.url });
  await until(() => at.diary.of('change').length === 1);
  server.publish(edit(DOCUMENT).replace('revision: 1', 'revision: 2'));
  await at.features.remote.sync();
  await until(() => at.diary.of('change').length === 2);
  return { at, change: at.diary.of('change')[1] };
}

test('the first flags are all new', async () => {
  const at = await world({ document: DOCUMENT });
  await until(() => at.diary.of('change').length === 1);
  expect(at.diary.of('change')).toEqual([
    {
      flags: ['based', 'others', 'plain', 'theirs'],
      removed: [],
      from: undefined,
      to: at.features.snapshot?.digest,
      revision: 1n,
    },
  ]);
});

test.each<[string, (document: string) => string, string[], string[]]>([
  ['a revision changes no flag', (document) => document, [], []],
  [
    'a flag that is edited',
    (document) => document.replace('plain: { rollout: { percentage: 100 } }', 'plain: { rollout: { percentage: 50 } }'),
    ['plain'],
    [],
  ],
  ['a flag that is new', (document) => `${document}  added: {}\n`, ['added'], []],
  ['a flag that is gone', (document) => document.replace(/ {2}based.*\n/, ''), [], ['based']],
  ['a flag under another name', (document) => document.replace('  based:', '  base:'), ['base'], ['based']],
  ['a member of a cohort', (document) => document.replace('[alice]', '[alice, bob]'), ['theirs'], []],
  [
    'what depends on a flag',
    (document) => document.replace('dependencies: [plain]', 'dependencies: [theirs]'),
    ['based'],
    [],
  ],
  [
    'the order of flags changes none',
    (document) => document.replace(/( {2}plain.*\n)( {2}theirs.*\n)/, '$2$1'),
    [],
    [],
  ],
])('%s is what `change` names', async (_, edit, flags, removed) => {
  const { at, change } = await changed(edit);
  const { digest } = at.features.snapshot ?? {};
  expect(change).toEqual({ flags, removed, from: expect.any(String), to: digest, revision: 2n });
});

test('what is the same is not said to have changed', async () => {
  const server = await served(DOCUMENT);
  const at = await world({ url: server.url });
  server.answer = (_, response) =>
    response.writeHead(200, { 'content-type': 'application/vnd.flcm.snapshot' }).end(server.snapshot);
  for (let time = 0; time < 3; time++) await at.features.remote.sync();
  expect(at.diary.of('change')).toHaveLength(1);
});

test('an update reaches contexts that were made before it, and cohorts with it', async () => {
  const server = await served(DOCUMENT);
  const at = await world({ url: server.url });
  const users = ['alice', 'bob', 'zoe'].map((targetingKey) => at.features.for({ targetingKey }));
  const theirs = (): boolean[] => users.map((user) => user.isEnabled('theirs'));
  expect(theirs()).toEqual([true, false, false]);
  server.publish(DOCUMENT.replace('[alice]', '[bob]').replace('revision: 1', 'revision: 2'));
  await at.features.remote.sync();
  expect(theirs()).toEqual([false, true, false]);
  server.publish('revision: 3\nflags: { plain: { rollout: { percentage: 100 } } }');
  await at.features.remote.sync();
  expect(theirs()).toEqual([false, false, false]);
  expect(users.map((user) => user.isEnabled('plain'))).toEqual([true, true, true]);
});

test('a large update is compared in parts, each flag once', async () => {
  const many = (on: number): string =>
    `flags:\n${Array.from({ length: 1000 }, (_, flag) => `  flag${flag}: { enabled: ${flag % on !== 0} }`).join('\n')}`;
  const server = await served(many(2));
  const at = await world({ url: server.url });
  await at.clock.pass(10);
  server.publish(many(4));
  await at.features.remote.sync();
  await at.clock.pass(10);
  const [first, second] = at.diary.of('change') as { flags: string[] }[];
  expect(new Set(first?.flags).size).toBe(1000);
  // Those that are even, but for each other one of them.
  expect(second?.flags).toHaveLength(250);
  expect(new Set(second?.flags).size).toBe(250);
});
