import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { HostOptions } from '../hosts/kit/host.ts';
import { NodeHost } from './kit/hosts.ts';
import { RustHost } from './kit/rust-host.ts';
import { FLCM, ROOT, Server } from './kit/serve.ts';

const document = (percentage: number): string => `
flags:
  plain: { rollout: { percentage: ${percentage} } }
  risky: { rollout: { percentage: 100 }, error_threshold: { rate: 0.05, recovery: sticky } }
`;

const page = readFileSync(join(ROOT, 'docs/how-to/backup-and-restore.md'), 'utf8');

/** A command of the page that contains these words, for the folder and the port of a server. */
function command(words: string, server: Server): string {
  const blocks = [...page.matchAll(/^ *```sh\n(.*?)^ *```/gms)].map(([, block]) => block ?? '');
  const found = blocks.filter((block) => block.includes(words));
  expect(found, words).toHaveLength(1);
  const { host } = new URL(server.url);
  return (found[0] ?? '')
    .replaceAll('feature-flags.yaml', 'flags.yaml')
    .replaceAll('feature-flags.db', 'flags.db')
    .replaceAll('localhost:8787', host)
    .replaceAll(/^ *flcm /gm, `${FLCM} `);
}

/** Follows a command of the page. */
function follow(words: string, server: Server): string {
  return execFileSync('bash', ['-euc', command(words, server)], {
    cwd: server.folder,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

const OPTIONS = { stream: false, pollIntervalMs: 200 } as const;

/** What a test asks of a host, whatever its language. */
type Host = Pick<RustHost, 'on' | 'reaches'>;

async function nodeHost(name: string, options: HostOptions): Promise<Host> {
  const host = await NodeHost.start(name);
  await host.call('create', name, options);
  return { on: (flag) => host.call('on', flag), reaches: (flag, count) => host.call('reaches', flag, count) };
}

/** Two processes of Node and one of Rust, which poll. */
function hostsOf(server: Server): Promise<Host[]> {
  const options = (instance: number) => ({ url: server.url, instance, ...OPTIONS });
  const nodes = [nodeHost('first', options(1)), nodeHost('second', options(2))];
  return Promise.all([...nodes, RustHost.start('third', options(3))]);
}

const reach = (hosts: readonly Host[], flag: string, count: number): Promise<number[]> =>
  Promise.all(hosts.map((host) => host.reaches(flag, count)));

const on = (hosts: readonly Host[], flag: string): Promise<number[]> => Promise.all(hosts.map((host) => host.on(flag)));

/** So long that each host has polled several times. */
const polls = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1500));

interface Trips {
  readonly revision: number;
  readonly ahead: readonly { readonly address: string; readonly revision: number }[];
}

async function trips(server: Server): Promise<Trips> {
  return (await server.ask('/trips')).json() as Promise<Trips>;
}

test('hosts serve what they have through a loss, and follow what is published after a restored backup', async () => {
  const server = await Server.start(document(0));
  const hosts = await hostsOf(server);
  await reach(hosts, 'plain', 0);
  follow('.backup', server);
  // After the backup: a revision over HTTP, which is in the file as well.
  await server.put(document(100));
  await reach(hosts, 'plain', 40);
  const lost = (await trips(server)).revision;

  await server.kill();
  server.lose();
  await polls();
  expect(await on(hosts, 'plain'), 'without a server').toEqual([40, 40, 40]);

  // The file has been lost as well, or was not kept: only the backup is left.
  rmSync(server.document);
  follow('cp backup.db', server);
  await server.start();
  const restored = await trips(server);
  expect(restored.revision).toBeLessThan(lost);
  await polls();
  expect(await on(hosts, 'plain'), 'the older revision is refused').toEqual([40, 40, 40]);
  await expect
    .poll(async () => (await trips(server)).ahead, { timeout: 60_000 })
    .toMatchObject([{ address: '127.0.0.1', revision: lost }]);
  expect((await server.figures()).of('flcm_hosts_ahead')).toBe(1);
  expect(follow('curl -s localhost:8787/trips', server)).toContain('"ahead":[{');

  follow('mv restored.yaml', server);
  expect(readFileSync(server.document, 'utf8')).toBe(document(0));
  follow('flcm publish', server);
  await reach(hosts, 'plain', 0);
  const { revision, ahead } = await trips(server);
  expect(revision).toBeGreaterThanOrEqual(lost);
  expect(ahead).toEqual([]);

  await server.put(document(100));
  await reach(hosts, 'plain', 40);
});

test('an edit since the backup is published by the start', async () => {
  const server = await Server.start(document(0));
  const hosts = await hostsOf(server);
  await reach(hosts, 'plain', 0);
  follow('.backup', server);
  server.edit(document(100));
  await reach(hosts, 'plain', 40);
  await server.kill();
  follow('cp backup.db', server);
  server.edit(document(50));
  await server.start();
  // Half of forty users by their hash, the same on each host.
  await expect.poll(async () => Math.max(...(await on(hosts, 'plain'))), { timeout: 60_000 }).toBeLessThan(40);
  const same = async (): Promise<number> => new Set(await on(hosts, 'plain')).size;
  await expect.poll(same, { timeout: 60_000 }).toBe(1);
  expect(readFileSync(server.document, 'utf8')).toBe(document(50));
});

test('a database that is lost without a backup is begun anew above what hosts have', async () => {
  const server = await Server.start(document(0));
  const hosts = await hostsOf(server);
  await reach(hosts, 'plain', 0);
  await server.put(document(100));
  await reach(hosts, 'plain', 40);
  await server.kill();
  server.lose();
  server.edit(document(0));
  // Revisions are numbered by seconds, and the second one of a second has the number of the next.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await server.start();
  await reach(hosts, 'plain', 0);
});

test('a server refuses the database of a newer one, hosts go on, and the backup is the way back', async () => {
  const server = await Server.start(document(100));
  const hosts = await hostsOf(server);
  await reach(hosts, 'plain', 40);
  follow('.backup', server);
  expect(await server.stop()).toBe(0);
  // As a newer server would leave it.
  const newer = (statement: string) => execFileSync('sqlite3', [join(server.folder, 'flags.db'), statement]);
  newer('PRAGMA user_version = 1000');
  await expect(server.start()).rejects.toThrow(/version 1000/);
  await polls();
  expect(await on(hosts, 'plain')).toEqual([40, 40, 40]);
  follow('cp backup.db', server);
  await server.start();
  server.edit(document(0));
  await reach(hosts, 'plain', 0);
});

test('the state of rollbacks and holds comes back with the backup', async () => {
  const server = await Server.start(document(100));
  const hosts = await hostsOf(server);
  await reach(hosts, 'risky', 40);
  await server.command('risky', 'hold');
  follow('.backup', server);
  await server.command('risky', 'release');
  await server.kill();
  follow('cp backup.db', server);
  await server.start();
  onTestFinished(() => server.kill());
  expect((await server.trip('risky'))?.trip).toBe('off');
});
