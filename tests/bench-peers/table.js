// The tables of one or more runs: node table.js target/a.jsonl target/b.jsonl
import { readFileSync } from 'node:fs';
import { tables } from './lib/table.js';

const lines = process.argv.slice(2).flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'));
console.log(tables(lines.map((line) => JSON.parse(line))));
