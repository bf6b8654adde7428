/** A decision as a tree: each test, what it found, and what would have to differ. */

import type { ComponentChildren, JSX } from 'preact';
import { oneLine } from '../draft/values.ts';
import type { Check } from '../engine.ts';
import { en } from '../words/en.ts';
import { exactly, exactPercent } from '../words/format.ts';

const words = en.why;

type Of<Name extends string> = Extract<Check, { readonly check: Name }>;

/** Thousandths of a percent. */
const share = (value: number): string => exactPercent(value / 1000);

function rolloutWords(check: Of<'rollout'>): string {
  if (check.bucket === null) return words.noBucket(check.by);
  const parts = [words.bucket(share(check.bucket), share(check.percentage))];
  if (!check.held) parts.push(words.inAt(share(check.needed)));
  if (!check.held && check.from !== null) parts.push(words.from(exactly(check.from)));
  return parts.join('; ');
}

const GROUPS: Readonly<Record<string, string>> = {
  any: words.anyOf,
  all: words.allOf,
  none: words.noneOf,
  not: words.noneOf,
};

function testWords({ text, actual }: Of<'test'>): ComponentChildren {
  return (
    <>
      <span class="mono">{text}</span>{' '}
      <span class="muted">({actual === null ? words.absent : words.actual(oneLine(actual))})</span>
    </>
  );
}

const TEXTS: { readonly [Name in Check['check']]: (check: Of<Name>) => ComponentChildren } = {
  breaker: ({ state }) => `${words.breaker} (${state})`,
  override: () => words.override,
  split: ({ variant }) => words.split(variant),
  enabled: () => words.enabled,
  rule: ({ number, name, serves }) => (
    <>
      <b>{words.rule(number, name)}</b> <span class="muted">{serves}</span>
    </>
  ),
  flag: ({ flag, expected }) => words.needs(flag, expected),
  cohort: ({ cohort, because }) => (
    <>
      {words.cohort(cohort)} <span class="muted">{because}</span>
    </>
  ),
  group: ({ of }) => GROUPS[of] ?? of,
  test: testWords,
  rollout: rolloutWords,
  untried: ({ rules }) => <span class="muted">{words.untried(rules)}</span>,
};

function textOf(check: Check): ComponentChildren {
  const text = TEXTS[check.check] as ((check: Check) => ComponentChildren) | undefined;
  // An engine that is newer than this page.
  return text ? text(check) : check.check;
}

function childrenOf(check: Check): readonly Check[] {
  if ('explanation' in check && check.explanation) return check.explanation.checks;
  return 'checks' in check ? check.checks : [];
}

function Mark({ held }: { held: boolean | undefined }): JSX.Element {
  if (held === undefined) return <span class="mark" aria-hidden="true" />;
  return (
    <>
      <span class={`mark ${held ? 'held' : 'failed'}`} aria-hidden="true">
        {held ? '✓' : '✗'}
      </span>
      <span class="hidden-text">{held ? words.yes : words.no}: </span>
    </>
  );
}

export function Tree({ checks }: { checks: readonly Check[] }): JSX.Element {
  return (
    <ul class="tree">
      {checks.map((check, at) => (
        // Checks have no names; their order is what tells them apart.
        <li key={`${at} ${check.check}`}>
          <Mark held={'held' in check ? check.held : undefined} />
          {textOf(check)}
          {childrenOf(check).length > 0 && <Tree checks={childrenOf(check)} />}
        </li>
      ))}
    </ul>
  );
}
