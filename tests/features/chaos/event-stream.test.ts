// Server-sent events from pieces of text, however they are cut.

import { expect, test } from 'vitest';
import { eventStream } from '../../../.flcm-core/features/remote-config/event-stream.ts';

function read(...pieces: string[]): [event: string, data: string][] {
  return readEach(pieces);
}

function readEach(pieces: Iterable<string>): [event: string, data: string][] {
  const events: [string, string][] = [];
  const feed = eventStream((event, data) => events.push([event, data]));
  for (const piece of pieces) feed(piece);
  return events;
}

const text = ': hello\nevent: a\ndata: 1\ndata:  2\nid: 7\n\ndata\n\nevent: c\ndata:3:4\n\n';
const events = [
  ['a', '1\n 2'],
  ['', ''],
  ['c', '3:4'],
];

test('lines of an event are joined, comments and other fields left out', () => {
  expect(read(text)).toEqual(events);
});

test.each(['\n', '\r\n', '\r'])('ends of lines are %j, wherever the pieces are cut', (end) => {
  // The last end may be half of one, until more comes.
  const whole = `${text.replaceAll('\n', end)}:`;
  for (let cut = 0; cut <= whole.length; cut++) {
    expect(read(whole.slice(0, cut), whole.slice(cut))).toEqual(events);
  }
  expect(read(...whole)).toEqual(events);
});

test('an event without data is none, and its name is not that of the next', () => {
  expect(read('event: a\n\ndata: 1\n\n')).toEqual([['', '1']]);
});

test('what has no end is refused, in one line as in many', () => {
  expect(() => read('data: '.padEnd(2 ** 20 + 1, 'x'))).toThrow('too large');
  expect(() => read(...Array.from({ length: 2 ** 12 }, () => `data: ${'x'.repeat(512)}\n`))).toThrow('too large');
});

test('a line that comes a character at a time is not looked through each time', () => {
  const long = 'x'.repeat(500_000);
  expect(readEach(`data: ${long}\n\n`)).toEqual([['', long]]);
});
