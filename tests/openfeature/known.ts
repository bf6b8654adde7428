import type { Scenario, Step } from './scenarios.ts';

/** What the SDK for pages has no words for. */
const UNSAID: readonly (readonly [why: string, step: RegExp])[] = [
  [
    'the SDK for pages has one context for all evaluations: none of a client, a transaction or an evaluation, and hooks add nothing to it',
    /(?:to|down to) the "(?!API")[^"]*" level/,
  ],
  ['the SDK for pages evaluates at once', /asynchronously/],
];

/** Why a scenario cannot be said to an SDK; `undefined` if it can. */
export function unsaid(side: 'server' | 'web', { steps }: Scenario): string | undefined {
  if (side === 'server') return undefined;
  return UNSAID.find(([, step]) => steps.some(({ text }) => step.test(text)))?.[0];
}

/** Where we answer otherwise than the specification's own provider, which is no fault by its words. */
export interface Difference {
  readonly why: string;
  readonly step: RegExp;
  /** What the step complains of: of nothing else. */
  readonly complaint: RegExp;
}

const DIFFERENCES: readonly Difference[] = [
  {
    why: 'a document has no metadata of the author',
    step: /^the resolved metadata should contain$/,
    complaint: /expected undefined to be '1\.0\.2'/,
  },
  {
    why: 'every evaluation is a decision: nothing is said to be `CACHED`, which is a provider’s own choice',
    step: /CACHED/,
    complaint: /expected 'STATIC' to be 'CACHED'/,
  },
];

/** How a step is answered otherwise. */
export function different({ text }: Step): Difference | undefined {
  return DIFFERENCES.find(({ step }) => step.test(text));
}
