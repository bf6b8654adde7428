// The tables of one or more runs: node table.js out/a.jsonl out/b.jsonl
import { readFileSync } from 'node:fs';
import { tables } from './lib/table.js';

const lines = process.argv.slice(2).flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'));
console.log(tables(lines.map((line) => JSON.parse(line))));
