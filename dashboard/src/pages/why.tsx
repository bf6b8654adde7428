/** Why a user gets what they get: the decision as a tree, and what would have to differ. */

import type { JSX } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { askedUser } from '../data/asked.ts';
import { liveFlags, now, rowOf, rows, tripsNow } from '../data/store.ts';
import { base, baseFailure, drafted, wantBase } from '../draft/document.ts';
import { draft } from '../draft/store.ts';
import { engine } from '../engine/client.ts';
import type { AttributeValue, Explanation } from '../engine.ts';
import { useQuery } from '../ui/address.ts';
import { useFetched } from '../ui/fetched.ts';
import { Copy, Panel, Pill, Waiting } from '../ui/parts.tsx';
import { en } from '../words/en.ts';
import { moment } from '../words/format.ts';
import { Tree } from './why-tree.tsx';

const words = en.why;

interface Attributes {
  readonly values: Readonly<Record<string, AttributeValue>>;
  readonly bad: string | undefined;
}

/** A value as the command line reads it: JSON where it is a number, a truth value, a text in quotes or a list. */
function attributeValue(text: string): AttributeValue {
  if (!/^(-?\d|true$|false$|"|\[)/.test(text)) return text;
  try {
    return JSON.parse(text) as AttributeValue;
  } catch {
    return text;
  }
}

function attributesOf(text: string): Attributes {
  const values: Record<string, AttributeValue> = {};
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

/** What a user gets, and what they would get if the flag itself were not held or rolled back. */
interface Answers {
  readonly now: Explanation;
  readonly released: Explanation | undefined;
}

function useExplanation(
  flag: string,
  person: Person,
  withDraft: boolean,
): { value: Answers | undefined; problem: Error | undefined } {
  const onto = base.value;
  const text = withDraft ? drafted.value?.text : onto?.text;
  const { values, bad } = attributesOf(person.attributes);
  const trips = tripsNow();
  const key = JSON.stringify([flag, person, trips, onto?.digest, withDraft && text]);
  return useFetched(key, async () => {
    if (text === undefined || flag === '' || !rowOf.value.has(flag)) return undefined;
    if (bad !== undefined) throw new Error(words.badLine(bad));
    const question = { text, flag, user: person.user || null, attributes: values, now: Date.now() };
    const now = await engine().explain({ ...question, trips });
    const { [flag]: _, ...others } = trips;
    const isOff = trips[flag] === 'off' && !now.enabled;
    return { now, released: isOff ? await engine().explain({ ...question, trips: others }) : undefined };
  });
}

function outcome({ enabled, variant, value }: Explanation): string {
  if (variant) return words.variant(variant);
  if (typeof value === 'boolean') return enabled ? words.on : words.off;
  return `${enabled ? words.on : words.off}, ${JSON.stringify(value)}`;
}

function Outcome({ of }: { of: Explanation }): JSX.Element {
  return (
    <Pill tone={of.enabled ? 'run' : 'off'} shape={of.enabled ? '●' : '○'}>
      {outcome(of)}
    </Pill>
  );
}

const reasonWords = ({ reason }: Explanation): string => en.flag.decided.reasons[reason] ?? reason;

/** Why nobody gets it now: who holds it, or that it was rolled back, and since when. */
function offWords(flag: string): string {
  const live = liveFlags.value.get(flag);
  const since = live?.since ? moment(live.since, now.value) : '';
  return live?.mode === 'held' ? words.heldOff(live.by, since) : words.rolledBack(since);
}

function Released({ flag, value }: { flag: string; value: Explanation }): JSX.Element {
  const isHeld = liveFlags.value.get(flag)?.mode === 'held';
  return (
    <>
      <p>{words.ifReleased(isHeld, reasonWords(value))}</p>
      <Tree checks={value.checks} />
    </>
  );
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
  const { now, released } = value;
  return (
    <section class="panel" aria-label={words.gets(who, outcome(now))} aria-live="polite">
      <div class="row">
        <h2>{words.gets(who, '')}</h2>
        <Outcome of={now} />
        <span class="muted">{released ? offWords(flag) : reasonWords(now)}</span>
      </div>
      {released ? <Released flag={flag} value={released} /> : <Tree checks={now.checks} />}
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
