// What the time goes to until the list can be used, while a word is typed, and while one scrolls:
// `node dashboard/dev/trace.js [--flags N] [--slower N] [--url URL --key KEY] [--out NAME]`, after `just dashboard`.
// Without a URL it traces the development server. The traces open in DevTools, under Performance.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launch } from '../../tests/kit/browser.js';
import { startDev } from './server.js';

const CATEGORIES = [
  'toplevel',
  'devtools.timeline',
  'disabled-by-default-devtools.timeline',
  'v8',
  'blink.user_timing',
  'loading',
];
const LONG_MS = 50;

/** Names of DevTools' events, by what they are for a person who reads a summary. */
const KINDS = {
  RunTask: 'other',
  'v8.compile': 'compile',
  'v8.compileModule': 'compile',
  'v8.evaluateModule': 'script',
  EvaluateScript: 'script',
  FunctionCall: 'script',
  RunMicrotasks: 'script',
  EventDispatch: 'script',
  FireAnimationFrame: 'script',
  TimerFire: 'script',
  ParseHTML: 'parse',
  UpdateLayoutTree: 'style',
  Layout: 'layout',
  PrePaint: 'paint',
  Paint: 'paint',
  Layerize: 'paint',
  Commit: 'paint',
  MajorGC: 'collect',
  MinorGC: 'collect',
};

/** Runs in the page before everything else: notes when rows are there. */
const observe = () => {
  const look = () => {
    // The window is full. Two frames later the rows are on the screen.
    if (!document.querySelector('.flags .body [data-index="18"]')) return requestAnimationFrame(look);
    return requestAnimationFrame(() => requestAnimationFrame(() => performance.mark('rows')));
  };
  requestAnimationFrame(look);
};

/** The thread that runs scripts of the page. */
function mainThread(events) {
  const counts = new Map();
  for (const { name, pid, tid } of events) {
    if (name === 'UpdateLayoutTree') counts.set(`${pid}:${tid}`, (counts.get(`${pid}:${tid}`) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/** When the rows were there, on the clock of the trace. */
const usableAt = (events) => events.find(({ name }) => name === 'rows')?.ts ?? Number.POSITIVE_INFINITY;

/**
 * Milliseconds of the processor by kind, on the main thread until the rows were there; what is inside of another event
 * counts for the inner one.
 */
export function summarize(events) {
  const thread = mainThread(events);
  const end = usableAt(events);
  const own = events
    .filter(({ ph, pid, tid, ts }) => ph === 'X' && `${pid}:${tid}` === thread && ts < end)
    .sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  const sums = { other: 0 };
  const stack = [];
  for (const { name, ts, dur, tdur = 0 } of own) {
    while (stack.length > 0 && stack.at(-1).end <= ts) stack.pop();
    const kind = KINDS[name];
    if (!kind) continue;
    sums[kind] = (sums[kind] ?? 0) + tdur / 1000;
    const outer = stack.at(-1);
    if (outer) sums[outer.kind] -= tdur / 1000;
    stack.push({ kind, end: ts + dur });
  }
  return Object.fromEntries(Object.entries(sums).map(([kind, ms]) => [kind, ms]));
}

/** The tasks of the main thread that would take long on a processor that is `slower` times slower. */
function longTasks(events, slower) {
  const thread = mainThread(events);
  const tasks = events.filter(({ name, pid, tid }) => name === 'RunTask' && `${pid}:${tid}` === thread);
  return tasks.map(({ tdur = 0 }) => (tdur / 1000) * slower).filter((ms) => ms > LONG_MS);
}

async function tracing(session, during) {
  const events = [];
  const collect = ({ value }) => events.push(...value);
  session.on('Tracing.dataCollected', collect);
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: CATEGORIES },
  });
  await during();
  const done = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await done;
  session.off('Tracing.dataCollected', collect);
  return events;
}

/** From a key press to the frame that shows what it found. */
async function typing(page) {
  await page.getByRole('combobox').focus();
  return page.evaluate(async () => {
    const input = document.activeElement;
    const took = [];
    for (const text of ['f', 'fe', 'fea', 'feature_07', 'catalogue', '777']) {
      const start = performance.now();
      input.value = text;
      input.dispatchEvent(new InputEvent('input', { bubbles: true }));
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      took.push(performance.now() - start);
    }
    return took;
  });
}

/** As a hand does it, through the browser's own scrolling, and then far away at once, as with the scroll bar. */
async function scrolling(page, session) {
  await page.keyboard.press('Escape');
  await session.send('Input.synthesizeScrollGesture', { x: 700, y: 600, yDistance: -16_000, speed: 8000 });
  await page.evaluate(() => window.scrollTo(0, 200_000));
  await page.waitForTimeout(300);
}

const pathOf = ({ name, startTime, responseEnd, encodedBodySize }) => ({
  path: new URL(name).pathname,
  startMs: startTime,
  endMs: responseEnd,
  bytes: encodedBodySize,
});

async function opening(page, url) {
  await page.goto(`${url}/ui/flags`);
  await page.waitForFunction(() => performance.getEntriesByName('rows').length > 0, undefined, { polling: 100 });
  // What the list does after it is there belongs to its start.
  await page.waitForTimeout(500);
}

const rowsOf = (page) => page.locator('.flags .body [role=row]').count();
const resourcesOf = (page) => page.evaluate(() => performance.getEntriesByType('resource').map((one) => one.toJSON()));

/**
 * Traces the list at `url`, in a browser of its own that is `throttle` times slower.
 *
 * @param {{ url: string, key: string, throttle?: number }} options
 */
export async function traceList({ url, key, throttle = 1 }) {
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 960 } });
    await page.request.post(`${url}/session`, { data: { key }, headers: { 'content-type': 'application/json' } });
    await page.addInitScript(observe);
    const session = await page.context().newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: throttle });
    const start = await tracing(session, () => opening(page, url));
    const usableMs = await page.evaluate(() => performance.getEntriesByName('rows')[0].startTime);
    const [rows, resources] = [await rowsOf(page), await resourcesOf(page)];
    let typingMs = [];
    const typed = await tracing(session, async () => {
      typingMs = await typing(page);
    });
    const scrolled = await tracing(session, () => scrolling(page, session));
    return {
      usableMs,
      typingMs,
      rows,
      scrollRows: await rowsOf(page),
      requests: resources.filter(({ startTime }) => startTime < usableMs).map(pathOf),
      traces: { start, typing: typed, scrolling: scrolled },
    };
  } finally {
    await browser.close();
  }
}

const ms = (value) => `${value.toFixed(0)} ms`;

/**
 * The time of a processor on the main thread, as it would be on a machine that is `slower` times slower. Unlike the
 * time on the clock it depends little on what else the machine does.
 */
function printWork({ rows, scrollRows, requests, traces }, slower) {
  const sums = Object.entries(summarize(traces.start)).map(([kind, sum]) => [kind, sum * slower]);
  const all = sums.reduce((sum, [, some]) => sum + some, 0);
  console.log(`${requests.length} requests, ${rows} rows, ${scrollRows} rows after scrolling`);
  console.log(`until the list can be used: ${ms(all)} of a processor that is ${slower} times slower`);
  console.log(`  ${sums.map(([kind, sum]) => `${kind} ${ms(sum)}`).join(', ')}`);
  for (const [phase, events] of Object.entries(traces)) {
    const long = longTasks(events, slower);
    console.log(
      `${phase}: ${long.length} tasks above ${LONG_MS} ms${long.length > 0 ? `: ${long.map(ms).join(', ')}` : ''}`,
    );
  }
}

function printClock({ usableMs, typingMs, requests }, slower) {
  console.log(`on the clock, ${slower} times slower: usable after ${ms(usableMs)}`);
  console.log(`  a key press in the search: ${typingMs.map(ms).join(', ')}`);
  for (const { path, startMs, endMs, bytes } of requests) {
    console.log(`  ${path.padEnd(36)} ${ms(startMs).padStart(8)} to ${ms(endMs).padStart(8)} ${bytes} bytes`);
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      flags: { type: 'string', default: '10000' },
      slower: { type: 'string', default: '4' },
      url: { type: 'string' },
      key: { type: 'string', default: 'flcm_publisher' },
      out: { type: 'string' },
    },
  });
  const server = values.url ? undefined : await startDev({ flags: Number(values.flags) });
  const [url, slower] = [values.url ?? server.url, Number(values.slower)];
  const result = await traceList({ url, key: values.key });
  printWork(result, slower);
  printClock(await traceList({ url, key: values.key, throttle: slower }), slower);
  await server?.close();
  if (!values.out) return;
  for (const [phase, traceEvents] of Object.entries(result.traces)) {
    writeFileSync(`${values.out}-${phase}.json`, JSON.stringify({ traceEvents }));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
