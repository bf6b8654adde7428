import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type Attacked, attacked, type Caller, madeUp, repeat, report } from './kit/attacker.ts';
import { type CountedFlag, copies } from './kit/batch.ts';

const VARIANTS = Array.from({ length: 256 }, (_, variant) => `v${String(variant).padStart(3, '0')}`);
const FLAGS = Array.from({ length: 200 }, (_, flag) => `flag_${String(flag).padStart(3, '0')}`);

/** Reasons without those of errors, by their numbers in a batch. */
const REASONS = [0, 1, 2, 3, 4, 5, 6];

const document = JSON.stringify({
  flags: Object.fromEntries(
    FLAGS.map((key) => [
      key,
      {
        default: 'none',
        variants: VARIANTS.map((name) => ({ name, weight: 1, value: name })),
        error_threshold: { rate: 0.05 },
      },
    ]),
  ),
});

/** As much to merge as a byte can ask for: each variant with each reason, and each register of users. */
function worst(flags: number): CountedFlag[] {
  const tallies = VARIANTS.flatMap((variant) => REASONS.map((reason) => [variant, reason, 1] as const));
  const users = Array.from({ length: 1024 }, () => [0, 2] as const);
  const evidence = { treatment: [9, 0, 0, 0], control: [9, 0, 0, 0] } as const;
  return FLAGS.slice(0, flags).map((key) => ({ key, evidence, tallies, users }));
}

/** Opens a stream; answers when it has announced that a flag is off. */
function announced({ server }: Attacked, key: string, flag: string): Promise<number> {
  const { hostname, port } = new URL(server.url);
  return new Promise((found) => {
    const socket = connect(Number(port), hostname, () => {
      const head = ['GET /flags/stream HTTP/1.1', `host: ${hostname}`, `authorization: Bearer ${key}`];
      socket.write(`${head.join('\r\n')}\r\n\r\n`);
    });
    onTestFinished(() => void socket.destroy());
    const isOff = new RegExp(`"${flag}":{"generation":\\d+,"trip":"off"`);
    let text = '';
    socket.on('data', (part) => {
      text += part;
      if (isOff.test(text)) found(performance.now());
    });
  });
}

/** Twenty connections send batches, one after the other, while the operator holds one flag after the other. */
async function hold(caller: Caller, cast: Attacked, flags: number, ofEach: number): Promise<void> {
  const { operator, server } = cast;
  let [sent, accepted, bytes] = [0, 0, 0];
  for (let connection = 0; connection < 20; connection++) {
    const batches = copies({ flags: worst(flags) }, Array.from({ length: ofEach }, madeUp));
    bytes = batches[0]?.length ?? 0;
    repeat(ofEach * 50, 0, async (round) => {
      const { status } = await caller.postBytes(batches[round % ofEach] as Uint8Array);
      sent++;
      if (status === 204) accepted++;
    });
  }
  await expect.poll(() => accepted, { timeout: 60_000 }).toBeGreaterThan(0);
  const [answers, streams]: number[][] = [[], []];
  for (const flag of FLAGS.slice(0, 10)) {
    const inForce = announced(cast, cast.pageKey, flag);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const began = performance.now();
    const { status } = await operator.command(flag, 'hold');
    answers?.push(performance.now() - began);
    expect(status).toBe(200);
    streams?.push((await inForce) - began);
  }
  const worstOf = (times: number[] = []) => `${Math.max(...times).toFixed(0)} ms`;
  report(
    server,
    `20 connections, batches of ${bytes >> 10} KB, ${accepted} of ${sent} accepted: ` +
      `a hold answers in ${worstOf(answers)} and is on a stream after ${worstOf(streams)} at most, of 10`,
  );
  // Limits for what hangs: those of the issue are 100 and 250 ms, on a machine that does nothing else.
  expect(Math.max(...(answers ?? []))).toBeLessThan(1000);
  expect(Math.max(...(streams ?? []))).toBeLessThan(2000);
}

test('a hold waits for no batches of a public key', async () => {
  const cast = await attacked(document);
  await hold(cast.stranger(), cast, 3, 40);
});

test('nor for the largest ones of a service that has gone mad', async () => {
  const cast = await attacked(document);
  await hold(cast.service, cast, 120, 2);
});
