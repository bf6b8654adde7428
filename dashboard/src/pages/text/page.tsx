/** The document as text, with its problems while one types. A changed text is a draft like any other. */

import { effect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { meta } from '../../data/store.ts';
import { base, baseFailure, drafted, wantBase } from '../../draft/document.ts';
import { merge } from '../../draft/merge.ts';
// Puts the draft on top of what others publish while the editor is open.
import '../../draft/rebase.ts';
import { change, discard, draft } from '../../draft/store.ts';
import { engine } from '../../engine/client.ts';
import type { Diagnostic } from '../../engine.ts';
import { useQuery } from '../../ui/address.ts';
import { Link } from '../../ui/link.tsx';
import { Pill, Waiting } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { count } from '../../words/format.ts';
import type { Editor } from './editor.ts';

const words = en.text;

const TONES = { error: ['bad', '▼'], warning: ['warn', '▲'], hint: ['off', '○'] } as const;

/** The names of all keys, from the schema of documents. */
function keysOf(schema: string): string[] {
  const names = new Set<string>();
  JSON.parse(schema, (name, value) => {
    if (name === 'properties' && typeof value === 'object') for (const key of Object.keys(value)) names.add(key);
    return value;
  });
  return [...names].sort();
}

/** A text that is not typed on any more becomes the draft. */
function keep(text: string): void {
  const onto = base.value;
  if (!onto) return;
  if (text === onto.text) discard();
  else change(onto, { op: 'text', value: text });
}

const KEEP_MS = 400;

function useEditor(
  start: string,
  onProblems: (list: readonly Diagnostic[]) => void,
): { host: { current: HTMLDivElement | null }; editor: Editor | undefined; problem: Error | undefined } {
  const host = useRef<HTMLDivElement>(null);
  const [editor, setEditor] = useState<Editor>();
  const [problem, setProblem] = useState<Error>();
  useEffect(() => {
    let made: Editor | undefined;
    let isGone = false;
    let timer = 0;
    let pending: string | undefined;
    let keys: readonly string[] = [];
    // The draft's text, as far as the editor knows.
    let known = start;
    const flush = () => {
      window.clearTimeout(timer);
      if (pending === undefined) return;
      known = pending;
      pending = undefined;
      keep(known);
    };
    /** A text from elsewhere, such as after somebody has published: what was typed since stays. */
    const take = (text: string) => {
      if (!made || text === known) return;
      const typed = made.text();
      const next = typed === known ? text : merge(known, typed, text).text;
      known = text;
      made.setText(next);
    };
    const check = async (text: string) => {
      const { diagnostics } = await engine().check(text);
      onProblems(diagnostics);
      return diagnostics;
    };
    const onChange = (text: string) => {
      pending = text === known ? undefined : text;
      window.clearTimeout(timer);
      timer = window.setTimeout(flush, KEEP_MS);
    };
    void engine()
      .schema()
      .then((schema) => {
        keys = keysOf(schema);
      });
    import('./editor.ts').then(({ createEditor }) => {
      if (isGone || !host.current) return;
      const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: 'open' });
      const parent = document.createElement('div');
      root.replaceChildren(parent);
      made = createEditor(root, parent, {
        text: start,
        label: words.label,
        readOnly: false,
        check,
        keys: () => keys,
        onChange,
      });
      setEditor(made);
    }, setProblem);
    const stop = effect(() => {
      const text = drafted.value?.text;
      if (text !== undefined) take(text);
    });
    return () => {
      isGone = true;
      stop();
      flush();
      made?.destroy();
    };
  }, []);
  return { host, editor, problem };
}

function Problems({ list, onGo }: { list: readonly Diagnostic[]; onGo: (problem: Diagnostic) => void }): JSX.Element {
  if (list.length === 0) return <p class="muted">{words.noProblems}</p>;
  return (
    <ul class="problem-list">
      {list.map((problem) => {
        const [tone, shape] = TONES[problem.severity];
        return (
          <li key={`${problem.line} ${problem.column} ${problem.code}`}>
            <button type="button" onClick={() => onGo(problem)}>
              <Pill tone={tone} shape={shape}>
                {words.line(problem.line)}
              </Pill>{' '}
              {problem.message} <span class="muted">{problem.help}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** The line at which a flag, or the cohorts, begin. */
function lineOf(text: string, flag: string, part: string): number {
  const wanted = flag ? `  ${flag}:` : `${part}:`;
  return text.split('\n').findIndex((line) => line.startsWith(wanted)) + 1;
}

function TextForm({ start }: { start: string }): JSX.Element {
  const [list, setList] = useState<readonly Diagnostic[]>([]);
  const { host, editor, problem } = useEditor(start, setList);
  const query = useQuery();
  const [flag, part] = [query.get('flag'), query.get('at')];
  useEffect(() => {
    const line = flag || part ? lineOf(start, flag, part) : 0;
    if (editor && line > 0) editor.goTo(line, 1);
  }, [editor, flag, part]);
  const isChanged = draft.value !== undefined;
  const errors = useMemo(() => list.filter(({ severity }) => severity !== 'hint'), [list]);
  const reset = () => {
    // What was typed just now is not kept either.
    editor?.setText(base.value?.text ?? start);
    discard();
  };
  return (
    <>
      <div class="row head">
        <h1>{words.title}</h1>
        <span class="muted">{meta.value?.document.name}</span>
        <span class="chip">{isChanged ? words.changed : words.unchanged}</span>
        <span class="end row tight">
          {isChanged && (
            <>
              <button type="button" class="btn" onClick={reset}>
                {words.reset}
              </button>
              <Link class="btn primary" href="/review">
                {words.review}
              </Link>
            </>
          )}
        </span>
      </div>
      {!editor && <Waiting text={words.loading} problem={problem} />}
      <div class="stack">
        <div class="editor" ref={host} />
        <section class="panel" aria-label={words.problems}>
          <h2>
            {words.problems} <span class="muted">{errors.length > 0 ? count(errors.length) : ''}</span>
          </h2>
          <Problems list={list} onGo={({ line, column }) => editor?.goTo(line, column)} />
        </section>
      </div>
    </>
  );
}

export function TextPage(): JSX.Element {
  useEffect(wantBase, []);
  const text = drafted.value?.text ?? base.value?.text;
  // The editor begins with this one, and takes later ones by itself.
  const [start, setStart] = useState(text);
  useEffect(() => {
    if (start === undefined && text !== undefined && drafted.value) setStart(text);
  }, [text, drafted.value]);
  return start === undefined ? (
    <Waiting text={words.loading} problem={baseFailure.value} />
  ) : (
    <TextForm start={start} />
  );
}
