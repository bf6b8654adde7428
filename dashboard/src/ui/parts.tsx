/** The small parts that pages are made of. */

import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Problem } from '../data/http.ts';
import type { Tone } from '../data/rows.ts';
import { now } from '../data/store.ts';
import { en } from '../words/en.ts';
import { exactly, moment, span } from '../words/format.ts';
import { useTicking } from './ticking.ts';

export function Pill({
  tone,
  shape,
  children,
}: {
  tone: Tone;
  shape: string;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <span class={`pill ${tone}`}>
      <span aria-hidden="true">{shape}</span>
      <span>{children}</span>
    </span>
  );
}

export function Panel(props: {
  title?: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}): JSX.Element {
  const { title, aside, children } = props;
  return (
    <section class={`panel ${props.class ?? ''}`} aria-label={title}>
      {title && (
        <h2>
          {title} {aside && <span class="muted aside">{aside}</span>}
        </h2>
      )}
      {children}
    </section>
  );
}

/** A table that scrolls by itself, with its headings; `after` stands below it. */
export function TablePanel(props: {
  label: string;
  headings: ComponentChildren;
  children: ComponentChildren;
  after?: ComponentChildren;
}): JSX.Element {
  const { label, headings, children, after } = props;
  return (
    <div class="panel flush" role="region" aria-label={label} tabIndex={0}>
      <table class="roomy">
        <thead>
          <tr>{headings}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
      {after}
    </div>
  );
}

/** The headings of columns; those of numbers stand at the end, and that of buttons is only read aloud. */
export function Headings(props: {
  names: readonly string[];
  numbers?: readonly string[];
  buttons?: string;
}): JSX.Element {
  const { names, numbers = [], buttons } = props;
  return (
    <>
      {names.map((name) => (
        <th key={name} scope="col">
          {name}
        </th>
      ))}
      {numbers.map((name) => (
        <th key={name} scope="col" class="n">
          {name}
        </th>
      ))}
      {buttons && (
        <th scope="col">
          <span class="hidden-text">{buttons}</span>
        </th>
      )}
    </>
  );
}

/** A moment as short as it can be, with all of it where one points at it. */
export function When({ at }: { at: number }): JSX.Element {
  return (
    <time dateTime={new Date(at).toISOString()} title={exactly(at)} class="nowrap">
      {moment(at, now.value)}
    </time>
  );
}

/** How long ago, which goes on by itself: only its text changes, and only when it says something else. */
export function Ago({ at }: { at: number }): JSX.Element {
  const text = useTicking(() => span(now.value - at), [at]);
  return (
    <time dateTime={new Date(at).toISOString()} class="nowrap">
      {text}
    </time>
  );
}

export function ErrorNote({ problem }: { problem: Problem | Error | undefined }): JSX.Element | null {
  if (!problem) return null;
  const help = 'help' in problem ? problem.help : '';
  return (
    <div class="error" role="alert">
      <b>{problem.message}</b> {help}
    </div>
  );
}

/** What a page shows while it waits, or when it could not get what it shows. */
export function Waiting({
  problem,
  text,
  retry,
}: {
  problem?: Error | undefined;
  text: string;
  retry?: () => void;
}): JSX.Element {
  if (!problem) {
    return (
      <p class="muted" role="status">
        {text}
      </p>
    );
  }
  return (
    <div>
      <ErrorNote problem={problem} />
      {retry && (
        <p>
          <button type="button" class="btn" onClick={retry}>
            {en.errors.retry}
          </button>
        </p>
      )}
    </div>
  );
}

/** Copies a text, and says so. */
export function Copy({ text, children, done }: { text: () => string; children: string; done: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text());
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <button type="button" class="btn" onClick={copy}>
      <span aria-live="polite">{copied ? done : children}</span>
    </button>
  );
}
