// `node tests/bench-peers/first-decision.js [OPTION…]`: from navigation to the first decision in Chromium, by three
// networks, ours beside the clients of others. Each sample is a page of a fresh profile, whose cache is empty.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { launch } from '../kit/browser.js';
import { bundle, HERE, isThere, PAGES, titled } from './lib/bundle.js';
import { machine } from './lib/machine.js';
import { servePages } from './lib/page-server.js';
import { ROOT } from './lib/paths.js';
import { services } from './lib/services.js';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    pages: { type: 'string' },
    networks: { type: 'string' },
    checkout: { type: 'string', default: HERE },
    out: { type: 'string' },
  },
});

/** Bytes a second, milliseconds, and how many times slower the CPU is. */
const NETWORKS = {
  'no limit': { throughput: -1, latency: 0, cpu: 1 },
  '9 Mbit/s, 60 ms': { throughput: 9e6 / 8, latency: 60, cpu: 1 },
  '1.6 Mbit/s, 150 ms, CPU ÷ 4': { throughput: 1.6e6 / 8, latency: 150, cpu: 4 },
};

/** The flags that a page may have the browser fetch before its script asks for them; ours also its module. */
const PRELOADS = {
  'flcm-page': '/flcm/flags',
  flcm: '/flcm/flags',
  growthbook: '/growthbook/api/features/client',
};

/** A page that waits longer has failed. */
const TIMEOUT_MS = 30_000;

const chosen = (names, all) => {
  const unknown = names?.split(';').find((name) => !all.includes(name));
  if (unknown) throw new Error(`\`${unknown}\` is none of ${all.join('; ')}`);
  return names?.split(';') ?? all;
};

const variants = await bundled();
const pages = chosen(options.pages, Object.keys(variants));
const networks = chosen(options.networks, Object.keys(NETWORKS));
const server = await servePages(await services(options.checkout), variants);
const browser = await launch();
const about = { ...machine(), chromium: browser.version(), rounds: Number(options.rounds), networks: NETWORKS };
const samples = [];
try {
  // The first page of a browser waits for what later ones find done.
  for (const page of pages) await sample(page, networks[0]);
  for (let round = 1; round <= about.rounds; round++) {
    for (const network of networks) {
      process.stderr.write(`${round}/${about.rounds} ${network}\n`);
      for (const page of pages) samples.push({ round, network, page, ...(await sample(page, network)) });
    }
  }
} finally {
  await browser.close();
  server.close();
}
const out = path.resolve(options.out ?? path.join(ROOT, `results/first-decision-${about.date.slice(0, 10)}.json`));
mkdirSync(path.dirname(out), { recursive: true });
const lines = samples.map((sample) => `  ${JSON.stringify(sample)}`);
writeFileSync(out, `{\n"about": ${JSON.stringify(about, null, 2)},\n"samples": [\n${lines.join(',\n')}\n]\n}\n`);
console.log(table());

/** The pages as applications would build them, and those with preloads once more. */
async function bundled() {
  const pages = {};
  for (const page of PAGES.filter((page) => page.page !== 'flagd-web' && isThere(page, options.checkout))) {
    const { first, later } = await bundle(page, path.join(ROOT, 'target/pages', page.page), options.checkout);
    const files = [...first, ...later];
    pages[page.page] = { title: titled(page), files, html: html([]) };
    if (!PRELOADS[page.page]) continue;
    const modules = first.map((file) => path.basename(file)).filter((name) => name.endsWith('.wasm'));
    const preloaded = html([PRELOADS[page.page], ...modules]);
    pages[`${page.page}-preloaded`] = { title: `${titled(page)}, preloaded`, files, html: preloaded };
  }
  return pages;
}

function html(preloads) {
  const links = preloads.map((href) => `<link rel="preload" as="fetch" crossorigin href="${href}">`);
  const script = '<script type="module" src="index.js"></script>';
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">${links.join('')}${script}`;
}

/** Milliseconds to the first decision, and what was downloaded for it. */
async function sample(name, network) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    const traffic = await throttled(await context.newCDPSession(page), NETWORKS[network]);
    await page.goto(`${server.url}/pages/${name}/`, { waitUntil: 'commit' });
    const decided = await Promise.race([page.evaluate(decision), late()]);
    if (decided?.value !== true) throw new Error(`${name}: answered ${decided?.value}, not true: ${errors.join('; ')}`);
    return { ms: decided.ms, ...traffic() };
  } finally {
    await context.close();
  }
}

/** In the page: waits for the mark that its script sets. */
function decision() {
  return new Promise((resolve) => {
    const observer = new PerformanceObserver((list) => {
      const [mark] = list.getEntriesByName('decided');
      if (mark) resolve({ ms: Math.round(mark.startTime * 10) / 10, value: mark.detail });
    });
    observer.observe({ type: 'mark', buffered: true });
  });
}

function late() {
  return new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS).unref());
}

async function throttled(session, { throughput, latency, cpu }) {
  const finished = [];
  session.on('Network.loadingFinished', ({ encodedDataLength }) => finished.push(encodedDataLength));
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency,
    downloadThroughput: throughput,
    uploadThroughput: throughput,
  });
  await session.send('Emulation.setCPUThrottlingRate', { rate: cpu });
  return () => ({ requests: finished.length, bytes: finished.reduce((sum, bytes) => sum + bytes, 0) });
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians, with the least and the most. */
function table() {
  const { cpu, cpus, node, chromium, date, rounds } = about;
  const lines = [
    `${cpus} × ${cpu}, Node ${node}, Chromium ${chromium}, ${date}; ms, median of ${rounds} (least to most)`,
    '',
    `| ms | ${networks.join(' | ')} | requests | bytes |`,
    `|---|${networks.map(() => '---|').join('')}---|---|`,
  ];
  for (const page of pages) {
    const own = samples.filter((sample) => sample.page === page);
    const cells = networks.map((network) => {
      const ms = own.filter((sample) => sample.network === network).map(({ ms }) => Math.round(ms));
      return `${Math.round(median(ms))} (${Math.min(...ms)} to ${Math.max(...ms)})`;
    });
    const [requests, bytes] = ['requests', 'bytes'].map((what) => median(own.map((sample) => sample[what])));
    lines.push(`| ${[variants[page].title, ...cells, requests, bytes].join(' | ')} |`);
  }
  return lines.join('\n');
}
