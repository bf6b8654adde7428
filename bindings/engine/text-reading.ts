import { parseDecision } from './decision.ts';
import type { Reading } from './index.ts';
import { parseLines } from './key-values.ts';

/** For bindings whose answers are text. */
export const textReading: Reading = {
  decision: (answer, outcome) => (typeof answer === 'string' ? parseDecision(answer, outcome) : answer),
  objects: (answer) => (typeof answer === 'string' ? parseLines(answer) : answer),
};
