import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { attacked, Caller, report } from './kit/attacker.ts';

const document = 'flags: { shiny: { rollout: { percentage: 50 } } }';

test('connections without a key shut nobody out who has one', async () => {
  const { server, operator, stranger } = await attacked(document, { args: ['--max-connections', '40'] });
  const { hostname, port } = new URL(server.url);
  const idle: Socket[] = [];
  onTestFinished(() => idle.forEach((socket) => void socket.destroy()));
  for (let connection = 0; connection < 80; connection++) {
    const socket = connect({ port: Number(port), host: hostname, localAddress: '127.0.9.9' });
    // The head of a request that never ends.
    socket.on('connect', () => socket.write('GET /flags HTTP/1.1\r\n'));
    socket.on('error', () => undefined);
    idle.push(socket);
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  const page = await stranger('127.0.1.1').ask('GET', '/flags').catch(String);
  const held = await operator.command('shiny', 'hold').catch(String);
  report(server, `80 connections without a key against a limit of 40: ${JSON.stringify(page).length} bytes for a page`);
  expect([page, held]).toMatchObject([{ status: 200 }, { status: 200 }]);
});

test('one stranger uses up the limit of a public key for themselves alone', async () => {
  const { server, pageKey } = await attacked(document, { limits: { client: 5 } });
  const [loud, quiet] = [new Caller(server, pageKey, '127.0.2.2'), new Caller(server, pageKey, '127.0.3.3')];
  const answers = await Promise.all(Array.from({ length: 50 }, () => loud.ask('GET', '/flags')));
  const refused = answers.filter(({ status }) => status === 429).length;
  report(server, `50 requests against a limit of 5 a second: ${refused} refused`);
  expect(refused).toBeGreaterThan(30);
  expect((await quiet.ask('GET', '/flags')).status).toBe(200);
});
