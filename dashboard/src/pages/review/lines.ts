/** Reads a file in parts that end behind a line, as counting takes them. */

import { en } from '../../words/en.ts';

const LONGEST_LINE = 1_000_000;

export interface Part {
  readonly lines: string;
  /** How many bytes were read so far. */
  readonly bytes: number;
}

export async function* linesOf(file: Blob): AsyncGenerator<Part> {
  const decoder = new TextDecoder();
  const reader = file.stream().getReader();
  let rest = '';
  let bytes = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    bytes += next.value.length;
    const text = rest + decoder.decode(next.value, { stream: true });
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    if (rest.length > LONGEST_LINE) throw new Error(en.review.count.tooLong);
    if (end > 0) yield { lines: text.slice(0, end), bytes };
  }
  rest += decoder.decode();
  if (rest !== '') yield { lines: rest, bytes };
}
