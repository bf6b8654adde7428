import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFeatures } from '@flcm/features';
import { expect, onTestFinished, test } from 'vitest';
import { keysFile, mint, ROOT, Server } from './kit/serve.ts';

const document = `
flags:
  shiny: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } }
  "odd \\"key\\"": { rollout: { percentage: 100 } }
`;
const admin = mint('test', 'admin');
const start = (): Promise<Server> =>
  Server.start(document, { args: ['--keys', keysFile([admin.line])], key: admin.key });

/** Has a host count decisions, outcomes and an event of its own, and waits until the server has them. */
async function count(server: Server): Promise<void> {
  const features = await createFeatures({ url: server.url, key: admin.key, flushIntervalMs: 100 });
  for (let user = 0; user < 20; user++) {
    const context = features.for({ targetingKey: `user-${user}` });
    context.run(
      'shiny',
      () => 'new',
      () => 'old',
    );
    context.isEnabled('odd "key"');
  }
  await features.close();
}

async function metrics(server: Server, accept: string): Promise<{ type: string; text: string }> {
  const answer = await server.ask('/metrics', { headers: { accept } });
  return { type: answer.headers.get('content-type') ?? '', text: await answer.text() };
}

function promtool(args: string[], input?: string): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return `${status}${stdout}${stderr}`;
}

test('promtool has nothing to say of the metrics', async () => {
  const server = await start();
  await count(server);
  const { type, text } = await metrics(server, 'text/plain');
  expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(text).toContain('flcm_decisions_total{flag="shiny"');
  expect(text).toMatch(/^flcm_build_info\{version="[^"]+"\} 1$/m);
  expect(text).toMatch(/^process_resident_memory_bytes \d{7,}$/m);
  expect(promtool(['check', 'metrics'], text)).toBe('0');
  // It can find something.
  expect(promtool(['check', 'metrics'], '# TYPE flcm_milliseconds gauge\nflcm_milliseconds 1\n')).not.toBe('0');
});

test('OpenMetrics is served to those who prefer it', async () => {
  const server = await start();
  const asPrometheus = 'application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  const open = await metrics(server, asPrometheus);
  expect([open.type, open.text.endsWith('# EOF\n')]).toEqual([
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
    true,
  ]);
  for (const accept of ['*/*', 'text/plain, application/openmetrics-text;q=0.5']) {
    expect((await metrics(server, accept)).type).toMatch(/^text\/plain/);
  }
});

const alerts = join(ROOT, 'docs/alerts.yaml');

test('promtool accepts the alerts, and each names metrics that exist', async () => {
  expect(promtool(['check', 'rules', alerts])).toMatch(/^0.*SUCCESS: \d+ rules found/s);
  const server = await start();
  await count(server);
  const { text } = await metrics(server, 'text/plain');
  const used = new Set(readFileSync(alerts, 'utf8').match(/\b(flcm|process)_\w+/g));
  expect(used.size).toBeGreaterThan(10);
  expect([...used].filter((name) => !text.includes(`# TYPE ${name} `))).toEqual([]);
});

/** Prometheus, which reads a server every second and has the alerts. */
async function prometheus(server: Server): Promise<{ query(expression: string): Promise<string[]> }> {
  const folder = mkdtempSync(join(tmpdir(), 'flcm-prometheus-'));
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [alerts],
    scrape_configs: [
      {
        job_name: 'flcm',
        authorization: { credentials: admin.key },
        static_configs: [{ targets: [new URL(server.url).host] }],
      },
    ],
  };
  // Any JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const args = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
  const child = spawn('prometheus', [...args, `--web.listen-address=${address}`], { stdio: 'ignore' });
  onTestFinished(() => end(child, folder));
  const query = async (expression: string): Promise<string[]> => {
    const answer = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`).catch(
      () => undefined,
    );
    if (!answer?.ok) return [];
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    return data.result.map(({ value }) => value[1]);
  };
  return { query };
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  rmSync(folder, { recursive: true, force: true });
}

function freePort(): Promise<number> {
  return new Promise((found) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => found(port));
    });
  });
}

test("Debian's Prometheus reads them, and an alert says that a flag is held back", async () => {
  console.log(execFileSync('prometheus', ['--version'], { encoding: 'utf8' }).split('\n')[0]);
  const server = await start();
  await count(server);
  const { query } = await prometheus(server);
  const asked = (expression: string) => expect.poll(() => query(expression), { timeout: 60_000 });
  await asked('up{job="flcm"}').toEqual(['1']);
  await asked('sum(flcm_decisions_total{flag="shiny"})').toEqual(['20']);
  await asked('sum(flcm_decisions_total{flag="odd \\"key\\""})').toEqual(['20']);
  await server.command('shiny', 'hold');
  await asked('ALERTS{alertname="FlagHeldBack", flag="shiny"}').toEqual(['1']);
});
