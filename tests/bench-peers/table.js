// The tables of one or more runs: node table.js results/DATE.json target/a.jsonl
import { readFileSync } from 'node:fs';
import { tables } from './lib/table.js';

const rows = process.argv.slice(2).flatMap((file) => {
  const text = readFileSync(file, 'utf8').trim();
  return file.endsWith('.json') ? JSON.parse(text).rows : text.split('\n').map((line) => JSON.parse(line));
});
console.log(tables(rows));
