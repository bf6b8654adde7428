// examples/browser in Chromium: each control, against the decisions of the engine for Node on the document that is shown.
// SCREENSHOTS names a folder for pictures of the page.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { compiler, engine } from '@flcm/flags-node';
import { afterAll, beforeAll, test } from 'vitest';
import { launch } from '../kit/browser.js';
import { start } from './start.js';

const variants = ['one_page', 'wizard', 'off'];
const wide = { width: 1280, height: 800 };
const narrow = { width: 390, height: 844 };
const problems = [];
let service;
let browser;
let page;

async function open(options) {
  const opened = await browser.newPage(options);
  opened.on('pageerror', (error) => problems.push(String(error)));
  opened.on('console', ({ type, text }) => ['error', 'warning'].includes(type()) && problems.push(text()));
  opened.on('requestfailed', (request) => problems.push(`${request.url()}: ${request.failure()?.errorText}`));
  opened.on('response', (response) => response.ok() || problems.push(`${response.url()}: ${response.status()}`));
  await opened.goto(`${service.url}/`);
  await opened.waitForFunction(() => document.querySelector('#why').textContent !== '');
  return opened;
}

beforeAll(async () => {
  service = await start('browser/serve.js');
  browser = await launch();
  page = await open({ viewport: wide });
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

const text = (selector) => page.locator(selector).textContent();
const dotOf = (person, on = page) => on.locator(`#crowd input[value="${person}"]`);

/** What each person is shown to get; as many as the legend says. */
async function crowd() {
  const dots = await page.$$eval('#crowd input', (dots) => dots.map(({ value, dataset }) => [value, dataset.variant]));
  assert.equal(dots.length, 400);
  for (const variant of variants) {
    const counted = dots.filter(([, each]) => each === variant).length;
    assert.equal(Number(await text(`#legend [data-variant=${variant}] b`)), counted, variant);
  }
  return new Map(dots);
}

/** Like {@link crowd}, and the same as the engine for Node decides. */
async function decided(trip = 'clear') {
  const { snapshot: bytes, report } = compiler.compile(await text('#document'));
  assert.ok(bytes, report);
  const snapshot = engine.load(bytes);
  snapshot.setTrip(snapshot.flag('checkout_v2'), trip);
  const people = await crowd();
  for (const [person, variant] of people) {
    const decision = snapshot.decision('checkout_v2', person, undefined, Date.now());
    assert.equal(variant, decision.variant ?? 'off', person);
  }
  snapshot.free();
  return people;
}

const having = (people, ...wanted) => [...people].filter(([, is]) => wanted.includes(is)).map(([person]) => person);
const on = (people) => having(people, 'one_page', 'wizard');
const subset = (some, all) =>
  assert.deepEqual(
    some.filter((person) => !all.includes(person)),
    [],
  );

test('raising the rollout evicts no one', async () => {
  let previous;
  for (const [percentage, fewest, most] of [
    [0, 0, 0],
    [25, 70, 130],
    [26, 70, 135],
    [60, 200, 280],
    [100, 400, 400],
  ]) {
    await page.locator('#percentage').fill(String(percentage));
    assert.match(await text('#document'), new RegExp(`percentage: ${percentage} }`));
    const people = await decided();
    const count = on(people).length;
    assert.ok(count >= fewest && count <= most, `${count} of 400 at ${percentage} %`);
    if (previous) {
      for (const variant of ['one_page', 'wizard']) subset(having(previous, variant), having(people, variant));
      const joined = count - on(previous).length;
      assert.equal(await text('#change'), `${joined} joined, 0 left, 0 switched variant.`);
    }
    previous = people;
  }
  await page.locator('#percentage').press('ArrowLeft');
  subset(on(await decided()), on(previous));
  assert.match(await text('#document'), /percentage: 99 }/);
});

test('the variants have their shares', async () => {
  await page.locator('#percentage').fill('100');
  for (const [weights, fewest, most] of [
    [[50, 50], 160, 240],
    [[20, 60], 65, 135],
    [[0, 60], 0, 0],
    [[60, 0], 400, 400],
  ]) {
    for (const [index, variant] of ['one_page', 'wizard'].entries()) {
      await page.locator(`#${variant}`).fill(String(weights[index]));
    }
    const people = await decided();
    const count = having(people, 'one_page').length;
    assert.ok(count >= fewest && count <= most, `${count} of 400 get one_page at ${weights}`);
    assert.equal(on(people).length, 400);
  }
});

test('a document with errors changes nothing', async () => {
  await page.locator('#percentage').fill('50');
  await page.locator('#wizard').fill('50');
  await page.locator('#one_page').fill('0');
  const good = await decided();
  await page.locator('#wizard').fill('0');
  assert.match(await text('#diagnostics'), /error in line 7: no variant has a weight above 0/);
  assert.match(await text('#loaded'), /refused/);
  assert.match(await text('#change'), /the last good document stays/);
  assert.deepEqual(await crowd(), good);
  await page.locator('#wizard').fill('50');
  await page.locator('#one_page').fill('50');
  assert.equal(await text('#diagnostics'), '');
  await decided();
});

test('the kill switch turns all off, and back on', async () => {
  await page.locator('#percentage').fill('40');
  const people = await decided();
  await page.getByLabel('Enabled').uncheck();
  assert.equal(having(await decided(), 'off').length, 400);
  assert.match(await text('#why'), /^checkout_v2 → off \(DISABLED\)/);
  assert.match(await text('#change'), new RegExp(`^0 joined, ${on(people).length} left`));
  await page.getByLabel('Enabled').check();
  assert.deepEqual(await decided(), people);
});

test('the breaker turns all off, and outlives a new document', async () => {
  const people = await decided();
  const trip = page.getByRole('button', { name: 'Hold off' });
  await trip.click();
  assert.equal(having(await decided('off'), 'off').length, 400);
  assert.equal(await trip.getAttribute('aria-pressed'), 'true');
  assert.match(await text('#why'), /^checkout_v2 → off \(BREAKER_OPEN\)/);
  await page.locator('#percentage').fill('90');
  assert.equal(having(await decided('off'), 'off').length, 400);
  await page.locator('#percentage').fill('40');
  await trip.press('Space');
  assert.deepEqual(await decided(), people);
  assert.equal(await trip.getAttribute('aria-pressed'), 'false');
});

test('a person who is chosen sees a variant, and why', async () => {
  const people = await decided();
  for (const variant of variants) {
    const [person] = having(people, variant);
    await dotOf(person).click();
    assert.equal(await text('#person'), person);
    assert.deepEqual(
      await page.$$eval('#views > [aria-hidden=false]', (views) => views.map((view) => view.dataset.variant)),
      [variant],
    );
    const why = await text('#why');
    if (variant === 'off') assert.match(why, /^checkout_v2 → off \(DEFAULT\)\n.*\n.*\n.*rollout 40 %: no; in at/);
    else assert.match(why, new RegExp(`^checkout_v2 → on, variant ${variant}.* \\(SPLIT\\)\n`));
    assert.match(await dotOf(person).getAttribute('aria-label'), new RegExp(`^${person}: ${variant}$`));
  }
  assert.equal(await text('#steps'), '4', 'from the value of the variant');
  await dotOf('user-1').click();
  await page.keyboard.press('ArrowRight');
  assert.equal(await text('#person'), 'user-2');
});

test('a thousand documents leave the memory of the engine flat', async () => {
  const measured = await browser.newPage();
  await measured.addInitScript(() => {
    const { instantiateStreaming } = WebAssembly;
    WebAssembly.instantiateStreaming = async (response, imports) => {
      const made = await instantiateStreaming(response, imports);
      if (response.url.endsWith('/flags.wasm')) globalThis.memory = made.instance.exports.memory;
      return made;
    };
  });
  await measured.goto(`${service.url}/`);
  await measured.waitForFunction(() => document.querySelector('#why').textContent !== '');
  const sizes = await measured.evaluate(() => {
    const move = (times) => {
      for (let time = 0; time < times; time++) {
        document.querySelector('#percentage').value = time % 100;
        document.querySelector('form').dispatchEvent(new Event('input'));
      }
      return globalThis.memory.buffer.byteLength;
    };
    return [move(100), move(1000)];
  });
  assert.equal(sizes[1], sizes[0]);
  await measured.close();
});

for (const [name, viewport] of Object.entries({ wide, narrow })) {
  test(`nothing jumps or sticks out, ${name}`, async () => {
    for (const colorScheme of ['light', 'dark']) {
      const shown = await open({ viewport, colorScheme });
      const places = () =>
        shown.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          if (scrollWidth > clientWidth) throw new Error(`${scrollWidth} wide in ${clientWidth}`);
          const boxes = [...document.querySelectorAll('h2, .control, #legend, #crowd, #change, #views, pre')];
          return boxes.map((box) => [box.id || box.textContent, box.getBoundingClientRect().y + scrollY]);
        });
      const expected = await places();
      const picture = async (state) => {
        const path = join(process.env.SCREENSHOTS ?? '', `${name}-${colorScheme}-${state}.png`);
        if (process.env.SCREENSHOTS) await shown.screenshot({ path, fullPage: state.endsWith('full') });
      };
      const states = {
        first: () => {},
        full: () => shown.locator('#percentage').fill('60'),
        wizard: () => shown.locator('#crowd [data-variant=wizard]').first().click(),
        one_page: () => shown.locator('#crowd [data-variant=one_page]').first().click(),
        nobody: () => shown.locator('#percentage').fill('0'),
        everyone: () => shown.locator('#percentage').fill('100'),
        'held-off': () => shown.locator('#trip').click(),
        'killed-full': () => shown.getByLabel('Enabled').uncheck(),
        'one-weight': () => shown.locator('#one_page').fill('0'),
        'refused-full': () => shown.locator('#wizard').fill('0'),
      };
      for (const [state, reach] of Object.entries(states)) {
        await reach();
        await shown.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)));
        await shown.evaluate(() => scrollTo(0, 0));
        await picture(state);
        const heads = (list) => list.map(([, y]) => y);
        assert.deepEqual(heads(await places()), heads(expected), state);
      }
      await shown.close();
    }
  });
}

test('no page reported an error, and no request failed', () => {
  assert.deepEqual(problems, []);
});
