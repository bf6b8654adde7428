/** Why a user gets what they get: the decision as a tree, and what would have to differ. */

import type { JSX } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { askedUser } from '../data/asked.ts';
import { liveFlags, rowOf, rows } from '../data/store.ts';
import { base, baseFailure, drafted, wantBase } from '../draft/document.ts';
import type { Value } from '../draft/store.ts';
import { draft } from '../draft/store.ts';
import { engine } from '../engine/client.ts';
import type { Explanation } from '../engine.ts';
import { useQuery } from '../ui/address.ts';
import { useFetched } from '../ui/fetched.ts';
import { Copy, Panel, Pill, Waiting } from '../ui/parts.tsx';
import { en } from '../words/en.ts';
import { Tree } from './why-tree.tsx';

const words = en.why;

interface Attributes {
  readonly values: Readonly<Record<string, Value>>;
  readonly bad: string | undefined;
}

/** A value as the command line reads it: JSON where it is a number, a truth value, a text in quotes or a list. */
function attributeValue(text: string): Value {
  if (!/^(-?\d|true$|false$|"|\[)/.test(text)) return text;
  try {
    return JSON.parse(text) as Value;
  } catch {
    return text;
  }
}

function attributesOf(text: string): Attributes {
  const values: Record<string, Value> = {};
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const match = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (match?.[1] === undefined) return { values, bad: line };
    values[match[1]] = attributeValue(match[2] ?? '');
  }
  return { values, bad: undefined };
}

interface Person {
  readonly user: string;
  readonly attributes: string;
}

function useExplanation(
  flag: string,
  person: Person,
  withDraft: boolean,
): { value: Explanation | undefined; problem: Error | undefined } {
  const onto = base.value;
  const text = withDraft ? drafted.value?.text : onto?.text;
  const { values, bad } = attributesOf(person.attributes);
  const key = `${flag}\n${person.user}\n${person.attributes}\n${onto?.digest ?? ''}\n${withDraft ? text?.length : ''}`;
  return useFetched(key, async () => {
    if (text === undefined || flag === '' || !rowOf.value.has(flag)) return undefined;
    if (bad !== undefined) throw new Error(words.badLine(bad));
    return engine().explain({ text, flag, user: person.user || null, attributes: values, now: Date.now() });
  });
}

function outcome({ enabled, variant, value }: Explanation): string {
  if (variant) return words.variant(variant);
  if (typeof value === 'boolean') return enabled ? words.on : words.off;
  return `${enabled ? words.on : words.off}, ${JSON.stringify(value)}`;
}

function Answer({ flag, person, withDraft }: { flag: string; person: Person; withDraft: boolean }): JSX.Element {
  const { value, problem } = useExplanation(flag, person, withDraft);
  const who = person.user || words.someone;
  const failure = baseFailure.value ?? problem;
  if (!value) {
    return (
      <Panel title={words.result}>
        <Waiting text={words.loading} problem={failure} />
      </Panel>
    );
  }
  return (
    <section class="panel" aria-label={words.gets(who, outcome(value))} aria-live="polite">
      <div class="row">
        <h2>{words.gets(who, '')}</h2>
        <Pill tone={value.enabled ? 'run' : 'off'} shape={value.enabled ? '●' : '○'}>
          {outcome(value)}
        </Pill>
        <span class="muted">{en.flag.decided.reasons[value.reason] ?? value.reason}</span>
      </div>
      <Tree checks={value.checks} />
    </section>
  );
}

function PersonFields({
  person,
  onChange,
  label,
}: {
  person: Person;
  onChange: (person: Person) => void;
  label: string;
}): JSX.Element {
  const id = useId();
  return (
    <div role="group" aria-label={label}>
      <label class="block" for={`${id}-user`}>
        {words.user}
      </label>
      <input
        id={`${id}-user`}
        class="field full"
        value={person.user}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onChange({ ...person, user: event.currentTarget.value })}
      />
      <label class="block" for={`${id}-attributes`}>
        {words.attributes} <span class="muted">{words.attributesHint}</span>
      </label>
      <textarea
        id={`${id}-attributes`}
        class="field mono"
        rows={4}
        spellcheck={false}
        value={person.attributes}
        onInput={(event) => onChange({ ...person, attributes: event.currentTarget.value })}
      />
    </div>
  );
}

function FlagChoice({ flag, onChange }: { flag: string; onChange: (flag: string) => void }): JSX.Element {
  const id = useId();
  const likely = rows.value.filter(({ key }) => key.includes(flag)).slice(0, 20);
  return (
    <>
      <label class="block" for={id}>
        {words.flag}
      </label>
      <input
        id={id}
        class="field full mono"
        list={`${id}-list`}
        value={flag}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      <datalist id={`${id}-list`}>
        {likely.map(({ key }) => (
          <option key={key} value={key} />
        ))}
      </datalist>
      {flag !== '' && !rowOf.value.has(flag) && likely.length === 0 && <p class="muted">{words.notFound(flag)}</p>}
    </>
  );
}

const NOBODY: Person = { user: '', attributes: '' };

function HeldNote({ flag }: { flag: string }): JSX.Element | null {
  const live = liveFlags.value.get(flag);
  if (!live || live.trip === 'clear') return null;
  return <p class="notice">{words.tripped(flag)}</p>;
}

/** Attributes are people's data: they stay in the page, and are in no address. */
export function WhyPage(): JSX.Element {
  useEffect(wantBase, []);
  const query = useQuery();
  const flag = query.get('flag');
  const [first, setFirst] = useState<Person>({ ...NOBODY, user: askedUser.value || query.get('user') });
  useEffect(() => {
    if (askedUser.value) setFirst({ ...NOBODY, user: askedUser.value });
  }, [askedUser.value]);
  const [second, setSecond] = useState<Person>();
  const [withDraft, setWithDraft] = useState(false);
  const isKnown = rowOf.value.has(flag);
  return (
    <>
      <div class="row head">
        <h1>{words.title}</h1>
        {base.value && <span class="muted">{words.asOf(base.value.revision)}</span>}
        <span class="end" />
        <Copy text={() => `${window.location.origin}/ui/why?flag=${encodeURIComponent(flag)}`} done={en.hosts.copied}>
          {words.copyLink}
        </Copy>
      </div>
      <p class="sub">{words.text}</p>
      <div class="columns why">
        <div class="stack">
          <HeldNote flag={flag} />
          {isKnown && <Answer flag={flag} person={first} withDraft={withDraft} />}
          {isKnown && second && <Answer flag={flag} person={second} withDraft={withDraft} />}
          {!isKnown && <p class="panel muted">{words.choose}</p>}
        </div>
        <div class="panel">
          <FlagChoice flag={flag} onChange={(value) => query.set({ flag: value })} />
          <PersonFields person={first} onChange={setFirst} label={words.user} />
          <p>
            <label>
              <input
                type="checkbox"
                checked={second !== undefined}
                onChange={(event) => setSecond(event.currentTarget.checked ? NOBODY : undefined)}
              />{' '}
              {words.second}
            </label>
          </p>
          {second && <PersonFields person={second} onChange={setSecond} label={words.second} />}
          {draft.value && (
            <p>
              <label>
                <input
                  type="checkbox"
                  checked={withDraft}
                  onChange={(event) => setWithDraft(event.currentTarget.checked)}
                />{' '}
                {words.draft}
              </label>
            </p>
          )}
        </div>
      </div>
    </>
  );
}
