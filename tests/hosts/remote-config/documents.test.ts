import { expect, test } from 'vitest';
import { folder } from '../../kit/sockets.ts';
import { body, status } from '../kit/faults.ts';
import { AFTER, BEFORE, served, world } from '../kit/world.ts';

const yaml = (text: string, type = 'application/yaml'): ReturnType<typeof body> => body(text, { 'content-type': type });

test.each([
  'application/yaml',
  'text/yaml; charset=utf-8',
  'text/plain',
  'application/json',
  'application/octet-stream',
])('a document on any web server is read, as %s', async (type) => {
  const server = await served();
  // A path by whose ending it is known.
  const documentUrl = `${server.url}/flags.yaml`;
  server.answerOther = yaml(BEFORE, type);
  const at = await world({ documentUrl });
  expect(at.codes).toEqual([]);
  expect(at.isOn('old')).toBe(true);
});

test('a document is polled, by its mark', async () => {
  const server = await served();
  const documentUrl = `${server.url}/flags.yaml`;
  server.answerOther = yaml(BEFORE);
  const at = await world({ documentUrl });
  server.answerOther = (request, response) => {
    if (request.headers['if-none-match'] === '"new"') response.writeHead(304).end();
    else yaml(AFTER)(request, response);
  };
  await at.features.remote.sync();
  expect(at.diary.of('sync')).toMatchObject([{ changed: true }, { changed: false }]);
  server.answerOther = yaml(AFTER);
  await at.until(() => at.isOn('new'), 100_000);
  expect(server.requests.every(({ path }) => path === '/flags.yaml')).toBe(true);
});

test('a document with errors is not used; all of them are said', async () => {
  const server = await served();
  server.answerOther = yaml(BEFORE);
  const at = await world({ documentUrl: `${server.url}/flags.yaml` });
  server.answerOther = yaml('flags: { one: { rollout: { percentage: 101 } }, two: { dependencies: [three] } }');
  await at.features.remote.sync();
  expect(at.codes).toEqual(['INVALID_DOCUMENT']);
  expect(at.diary.of('error')[0]).toMatchObject({ message: expect.stringMatching(/percentage[\s\S]*three/) });
  expect(at.isOn('old')).toBe(true);
});

test('a document is kept as it was compiled', async () => {
  const server = await served();
  const options = { documentUrl: `${server.url}/flags.yaml`, cache: folder() };
  server.answerOther = yaml(BEFORE);
  await (await world(options)).features.close();
  server.answerOther = status(500);
  const at = await world(options);
  expect(at.isOn('old')).toBe(true);
});
