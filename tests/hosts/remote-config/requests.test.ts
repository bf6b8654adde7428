import { expect, test } from 'vitest';
import { compiled, until } from '../../kit/server.ts';
import { body } from '../kit/faults.ts';
import { AFTER, BEFORE, follow, served, world } from '../kit/world.ts';

test('asks with the mark of what is in use', async () => {
  const { server, at } = await follow();
  const first = server.etag;
  await at.features.remote.sync();
  server.publish(AFTER);
  await at.features.remote.sync();
  await at.features.remote.sync();
  expect(server.marks).toEqual([undefined, first, first, server.etag]);
  expect(at.diary.of('sync')).toMatchObject([
    { changed: true, revision: 1n },
    { changed: false, revision: 1n },
    { changed: true, revision: 2n },
    { changed: false, revision: 2n },
  ]);
});

test('takes a mark only with bytes that are in use', async () => {
  const { server, at } = await follow();
  const first = server.etag;
  server.publish(AFTER);
  // The trap of many: a bad body that came with the mark of the good one.
  server.answer = body('bad', { etag: server.etag });
  await at.features.remote.sync();
  server.answer = undefined;
  await at.features.remote.sync();
  expect(server.marks).toEqual([undefined, first, undefined]);
  expect(at.isOn('new')).toBe(true);
});

test('asks for everything where there are no marks', async () => {
  const server = await served();
  server.answer = (_, response) =>
    response.writeHead(200, { 'content-type': 'application/vnd.flcm.snapshot' }).end(server.snapshot);
  const at = await world({ url: server.url });
  await at.features.remote.sync();
  expect(server.marks).toEqual([undefined, undefined]);
  expect(at.diary.of('sync')).toMatchObject([{ changed: true }, { changed: false }]);
  expect(at.diary.of('change')).toHaveLength(1);
});

test('asks for snapshots first, with the key and the headers that were given', async () => {
  const server = await served();
  await world({ url: server.url, key: 'secret', headers: { 'x-team': 'shelves' } });
  expect(server.requests[0]?.headers).toMatchObject({
    authorization: 'Bearer secret',
    'x-team': 'shelves',
    accept: expect.stringMatching(/^application\/vnd\.flcm\.snapshot, /),
  });
});

test('takes the path of the URL with it', async () => {
  const server = await served();
  for (const path of ['/team', '/team/']) await world({ url: server.url + path });
  expect(server.requests.map(({ path }) => path)).toEqual(['/team/flags', '/team/flags']);
});

test('has one request under way, and one more for all who ask meanwhile', async () => {
  const { server, at } = await follow();
  let most = 0;
  server.answer = (request, response) => {
    most = Math.max(most, server.open.size);
    server.answerFlags(request, response);
  };
  const { remote } = at.features;
  await Promise.all(Array.from({ length: 10 }, () => remote.sync()));
  expect(most).toBe(1);
  expect(server.marks).toHaveLength(3);
});

test('who asks while a request is under way sees what was published before', async () => {
  const { server, at } = await follow();
  let answer = () => {};
  const stale = server.snapshot;
  server.answer = (_, response) => {
    answer = () =>
      response.writeHead(200, { 'content-type': 'application/vnd.flcm.snapshot', etag: '"stale"' }).end(stale);
  };
  const first = at.features.remote.sync();
  await until(() => server.marks.length === 2);
  server.publish(AFTER);
  server.answer = undefined;
  const second = at.features.remote.sync();
  answer();
  await Promise.all([first, second]);
  expect(at.isOn('new')).toBe(true);
});

test('a sync puts the next poll off', async () => {
  const { server, at } = await follow();
  for (let time = 0; time < 20; time++) {
    await at.clock.pass(20_000);
    await at.features.remote.sync();
  }
  expect(server.marks).toHaveLength(21);
});

test('a server of flags is sent the revision in use, and no other web server is', async () => {
  const { server, at } = await follow();
  server.publish(AFTER);
  await at.features.remote.sync();
  await at.features.remote.sync();
  server.use(compiled('flags: {}'));
  const unnumbered = await world({ url: server.url });
  await unnumbered.features.remote.sync();
  const asked = () => server.requests.filter(({ path }) => path !== '/flags/stream');
  const sent = () => asked().map(({ headers }) => headers['flcm-revision']);
  expect(sent()).toEqual([undefined, '1', '2', undefined, undefined]);
  server.pages.set('/flags.yaml', ['application/yaml', BEFORE]);
  const plain = await world({ documentUrl: `${server.url}/flags.yaml` });
  await plain.features.remote.sync();
  expect(sent().slice(5)).toEqual([undefined, undefined]);
});
