import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { compiled, until } from '../../kit/server.ts';
import { folder } from '../../kit/sockets.ts';
import { onlyTypeScript } from '../kit/only.ts';
import { AFTER, BEFORE, pid, type World, world } from '../kit/world.ts';

/** A file that is followed. */
async function followed(name = 'flags.yaml', text: string | Uint8Array = BEFORE): Promise<{ file: string; at: World }> {
  const file = join(folder(), name);
  writeFileSync(file, text);
  return { file, at: await world({ file }) };
}

/** Waits until the folder's watcher has seen something, and for the file to settle. */
async function seen(at: World, holds: () => boolean): Promise<void> {
  const start = performance.now();
  while (!holds()) {
    if (performance.now() - start > 10_000) throw new Error('it was not seen');
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (at.clock.next !== undefined && at.clock.next <= 50) await at.clock.pass(50);
  }
}

describe('a file', () => {
  test('is read, and is fresh', async () => {
    const { at } = await followed();
    expect(at.isOn('old')).toBe(true);
    expect(at.features.remote.state).toBe('fresh');
  });

  test.each([
    ['flags.yaml', AFTER],
    ['flags.yml', AFTER],
    ['flags.json', '{"flags":{"new":{"rollout":{"percentage":100}}}}'],
    ['flags.flcm', compiled(AFTER)],
    ['flags', compiled(AFTER)],
  ])('called %s is taken for what its name says', async (name, text) => {
    const { at } = await followed(name, text);
    expect(at.isOn('new')).toBe(true);
    expect(at.codes).toEqual([]);
  });

  onlyTypeScript('which has URLs for files', () => {
    test('may be named by a URL', async () => {
      const file = join(folder(), 'flags.yaml');
      writeFileSync(file, BEFORE);
      const at = await world({ file: pathToFileURL(file) });
      expect(at.isOn('old')).toBe(true);
    });
  });

  test('that is edited is followed within 50 ms', async () => {
    const { file, at } = await followed();
    await at.clock.pass(2000);
    writeFileSync(file, AFTER);
    await seen(at, () => at.isOn('new'));
    await until(() => at.diary.of('change').length === 2);
    expect(at.diary.of('change')[1]).toMatchObject({ flags: ['new', 'old'], removed: [], revision: 2n });
    expect(at.codes).toEqual([]);
  });

  test('that an editor puts another file in the place of is followed, again and again', async () => {
    const { file, at } = await followed();
    await at.clock.pass(2000);
    for (let save = 2; save < 6; save++) {
      writeFileSync(`${file}.new`, `revision: ${save}\nflags: { save${save}: { rollout: { percentage: 100 } } }`);
      renameSync(`${file}.new`, file);
      await seen(at, () => at.isOn(`save${save}`));
    }
    expect(at.codes).toEqual([]);
  });

  test('that is edited where the system sends no notification is followed by a poll of the file', async () => {
    const target = join(folder(), 'target.yaml');
    writeFileSync(target, BEFORE);
    const file = join(folder(), 'flags.yaml');
    // The folder of the link is watched, not that of the file that it leads to.
    symlinkSync(target, file);
    const at = await world({ file, pollIntervalMs: 0 });
    await at.clock.pass(6000);
    writeFileSync(target, AFTER);
    const start = performance.now();
    while (!at.isOn('new')) {
      if (performance.now() - start > 60_000) throw new Error('it was not seen');
      await new Promise((resolve) => setTimeout(resolve, 2));
      await at.clock.pass(5000);
    }
    expect(at.codes).toEqual([]);
  });

  test('that was edited is not read once more by the poll', async () => {
    const file = join(folder(), 'flags.yaml');
    writeFileSync(file, BEFORE);
    const at = await world({ file, pollIntervalMs: 0 });
    await at.clock.pass(6000);
    writeFileSync(file, AFTER);
    await seen(at, () => at.isOn('new'));
    const settled = async () => {
      for (let turn = 0; turn < 20; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        await at.clock.pass(50);
      }
      return at.diary.of('sync').length;
    };
    const syncs = await settled();
    await at.clock.pass(6000);
    expect(await settled()).toBe(syncs);
  });

  test('with a bad edit keeps what was in use, says what is wrong with it, and follows the next', async () => {
    const { file, at } = await followed();
    await at.clock.pass(2000);
    writeFileSync(file, 'flags: { old: { rollout: { percentage: 200 } } }');
    await seen(at, () => at.codes.length > 0);
    expect(at.codes).toEqual(['INVALID_DOCUMENT']);
    expect(at.diary.of('error')[0]).toMatchObject({ message: expect.stringMatching(/percentage/) });
    expect(at.isOn('old')).toBe(true);
    writeFileSync(file, AFTER);
    await seen(at, () => at.isOn('new'));
  });

  test('that is empty for a moment is no document', async () => {
    const { file, at } = await followed();
    await at.clock.pass(2000);
    writeFileSync(file, '');
    await seen(at, () => at.codes.length > 0);
    expect(at.codes).toEqual(['EMPTY']);
    expect(at.isOn('old')).toBe(true);
  });

  test('that is deleted keeps what was in use; one that comes back is followed', async () => {
    const { file, at } = await followed();
    await at.clock.pass(2000);
    rmSync(file);
    await seen(at, () => at.codes.length > 0);
    expect(at.codes).toEqual(['FILE_FAILED']);
    expect(at.isOn('old')).toBe(true);
    writeFileSync(file, AFTER);
    await seen(at, () => at.isOn('new'));
    expect(at.features.remote.state).toBe('fresh');
  });

  test('that is not there yet is offline, and followed once it is', async () => {
    const file = join(folder(), 'flags.yaml');
    const at = await world({ file });
    expect(at.codes).toEqual(['FILE_FAILED']);
    expect(at.features.remote.state).toBe('offline');
    writeFileSync(file, BEFORE);
    await at.until(() => at.isOn('old'), 10_000);
  });

  test('in a folder that is not there yet is polled', async () => {
    const at0 = join(folder(), 'later');
    const file = join(at0, 'flags.yaml');
    const at = await world({ file });
    expect(new Set(at.codes)).toEqual(new Set(['FILE_FAILED']));
    mkdirSync(at0);
    writeFileSync(file, BEFORE);
    await at.until(() => at.isOn('old'), 10_000);
    writeFileSync(file, AFTER);
    await at.until(() => at.isOn('new'), 100_000);
  });

  test('is not read again because it was read', async () => {
    const { file, at } = await followed();
    await at.clock.pass(2000);
    writeFileSync(file, AFTER);
    await seen(at, () => at.isOn('new'));
    const syncs = at.diary.of('sync').length;
    // As long as a reading would have to be told of.
    for (let turn = 0; turn < 20; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await at.clock.pass(50);
    }
    await at.features.remote.settled;
    expect(at.diary.of('sync').length - syncs).toBeLessThanOrEqual(1);
  });

  test('saved many times in a moment is read once', async () => {
    const { file, at } = await followed();
    await at.clock.pass(2000);
    const syncs = at.diary.of('sync').length;
    for (let save = 0; save < 20; save++) writeFileSync(file, AFTER);
    await seen(at, () => at.isOn('new'));
    await at.features.remote.settled;
    expect(at.diary.of('sync').length - syncs).toBeLessThanOrEqual(2);
  });
});

describe('a file that is larger than `maxBytes`', () => {
  test('is refused, what was in use stays, and one that fits is followed', async () => {
    const file = join(folder(), 'flags.yaml');
    writeFileSync(file, BEFORE);
    const at = await world({ file, maxBytes: AFTER.length });
    await at.clock.pass(2000);
    writeFileSync(file, `${AFTER}\n`);
    await seen(at, () => at.codes.length > 0);
    expect(at.codes).toEqual(['TOO_LARGE']);
    const message = expect.stringMatching(new RegExp(`flags.yaml has more than ${AFTER.length} bytes`));
    expect(at.diary.of('error')[0]).toMatchObject({ message });
    expect(at.isOn('old')).toBe(true);
    writeFileSync(file, AFTER);
    await seen(at, () => at.isOn('new'));
  });

  // Linux alone says what the most was that a process has used.
  const onLinux = test.skipIf(process.platform !== 'linux');

  onLinux.each(['flags.yaml', 'flags.flcm'])('called %s is not read into memory', async (name) => {
    const file = join(folder(), name);
    writeFileSync(file, '');
    // Nothing of it is on the disk.
    truncateSync(file, 1_000_000_000);
    await world({ document: BEFORE });
    const before = peak();
    const at = await world({ file });
    expect(peak() - before).toBeLessThan(100_000_000);
    expect(at.codes).toEqual(['TOO_LARGE']);
  });

  onLinux('is noticed where the system does not know how large it is', async () => {
    const file = join(folder(), 'flags.yaml');
    symlinkSync('/proc/cpuinfo', file);
    const at = await world({ file, maxBytes: 100 });
    expect(at.codes).toEqual(['TOO_LARGE']);
  });
});

/** The most memory that the process of hosts has used so far, in bytes. */
function peak(): number {
  const status = readFileSync(`/proc/${pid()}/status`, 'utf8');
  return 1024 * Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]);
}
