// `node tests/bench/delays.js FLCM [RUNS]`: how soon faults are found, by error rate and traffic, as `flcm simulate` says: median and nine of
// ten, of a fault that is there from the first request, and of one that begins after an hour of health. 10 % rollout, baseline 1 %.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [flcm, runs = '1000'] = process.argv.slice(2);
if (flcm === undefined) {
  console.error('usage: node tests/bench/delays.js FLCM [RUNS]');
  process.exit(2);
}
const document = fileURLToPath(new URL('../../examples/feature-flags.yaml', import.meta.url));
const rates = [0.02, 0.05, 0.1, 0.2, 0.5, 1];
const traffic = [1, 10, 100, 1000];

function simulate(rate, requests) {
  const flag = ['--flag', 'v2_mentor_layer', '--share', '10', '--days', '1', '--runs', runs, '--json'];
  const fault = ['--error-rate', `${rate}`, '--rps', `${requests}`];
  return JSON.parse(execFileSync(flcm, ['simulate', document, ...flag, ...fault], { encoding: 'utf8' })).rules[0];
}

function time(seconds) {
  if (seconds === null) return '–';
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} m` : `${(seconds / 3600).toFixed(1)} h`;
}

function cell({ medianSeconds, p90Seconds, shareFound }) {
  const found = shareFound < 0.9 ? ` (${Math.round(shareFound * 100)} %)` : '';
  return `${time(medianSeconds)} / ${time(p90Seconds)}${found}`;
}

const simulated = rates.map((rate) => [rate, traffic.map((requests) => simulate(rate, requests))]);
for (const [name, row] of [
  ['from the first request', 'fromStart'],
  ['after an hour of health', 'afterAnHour'],
]) {
  console.log(`| ${name}: failing | ${traffic.map((requests) => `${requests} requests/s`).join(' | ')} |`);
  console.log(`|---|${traffic.map(() => '---|').join('')}`);
  for (const [rate, rules] of simulated) {
    console.log(`| ${rate * 100} % | ${rules.map((rule) => cell(rule[row])).join(' | ')} |`);
  }
  console.log();
}
