/** A cohort: who is listed, who never belongs, and for whom it holds; with what comes of it for all flags. */

import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { base, drafted, ground } from '../../draft/document.ts';
import type { Edit, Value } from '../../draft/store.ts';
import { read, type Values } from '../../draft/values.ts';
import { engine } from '../../engine/client.ts';
import { ConditionList, useNames } from '../../forms/condition-list.tsx';
import { DraftForm, editsAt } from '../../forms/form.tsx';
import { Field } from '../../forms/rows.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { DifferenceTable } from '../../ui/difference.tsx';
import { useFetched } from '../../ui/fetched.ts';
import { Link } from '../../ui/link.tsx';
import { ErrorNote, Waiting } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { count } from '../../words/format.ts';

const words = en.cohorts;

/** Longer lists are for the text editor: a field with millions of lines does not answer. */
const MOST_LINES = 10_000;

interface Cohort {
  readonly users: readonly string[];
  readonly except: readonly string[];
  readonly when: readonly Value[];
}

const EMPTY: Cohort = { users: [], except: [], when: [] };

const texts = (values: readonly Value[] | undefined): string[] => (values ?? []).map(String);

function cohortOf(outline: Values): Cohort {
  return {
    users: texts(read(outline, 'users')),
    except: texts(read(outline, 'except')),
    when: read<readonly Value[]>(outline, 'when') ?? [],
  };
}

const unlessEmpty = <T,>(list: readonly T[]): readonly T[] | undefined => (list.length > 0 ? list : undefined);

/** The ids in a field: one a line, each once. */
const idsIn = (text: string): string[] => [...new Set(text.split('\n').map((line) => line.trim()))].filter(Boolean);

function Ids(props: {
  label: string;
  ids: readonly string[];
  onChange: (ids: readonly string[]) => void;
}): JSX.Element {
  const id = useId();
  const [text, setText] = useState(props.ids.join('\n'));
  const type = (next: string) => {
    setText(next);
    props.onChange(idsIn(next));
  };
  return (
    <div>
      <label for={id}>
        {props.label} <span class="muted">{words.oneALine(count(props.ids.length))}</span>
      </label>
      <textarea
        id={id}
        class="field full mono"
        rows={4}
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={(event) => type(event.currentTarget.value)}
      />
    </div>
  );
}

/** For whom something changes, over all flags that name the cohort, themselves or through others. */
function Effects({ text }: { text: string }): JSX.Element {
  const onto = base.value?.text ?? '';
  const { value, problem } = useFetched(text, () => engine().diff(onto, text));
  return (
    <section class="inset" aria-label={en.flag.who.blast}>
      <b>{en.flag.who.blast}</b> <span class="muted">{words.overAll}</span>
      {!value && !problem && <p class="muted">{en.flag.who.comparing}</p>}
      {value?.flags.length === 0 && <p class="muted">{en.review.nobody}</p>}
      {value && value.flags.length > 0 && <DifferenceTable difference={value} />}
      <ErrorNote problem={problem} />
    </section>
  );
}

function editsOf(name: string, isInUse: boolean, hasCohorts: boolean, before: Values, next: Cohort): readonly Edit[] {
  const values = { users: unlessEmpty(next.users), except: unlessEmpty(next.except), when: unlessEmpty(next.when) };
  if (isInUse) {
    return Object.entries(values).flatMap(([key, value]) => editsAt(['cohorts', name], before, [key], value));
  }
  const value = JSON.parse(JSON.stringify(values)) as Value;
  return hasCohorts
    ? [{ op: 'insert', path: ['cohorts'], key: name, value }]
    : [{ op: 'insert', path: [], key: 'cohorts', value: { [name]: value } }];
}

interface Loaded {
  readonly before: Values;
  /** As the draft has it. */
  readonly now: Cohort;
  /** Not only the draft has it. */
  readonly isInUse: boolean;
}

interface FormProps {
  /** Empty for a new one. */
  readonly cohort: string;
  readonly others: readonly string[];
  readonly onClose: () => void;
}

function Form({ cohort, others, before, now, isInUse, onClose }: FormProps & Loaded): JSX.Element {
  const [name, setName] = useState(cohort);
  const [next, setNext] = useState(now);
  const names = useNames({ cohort: name });
  const isNew = cohort === '';
  const isTaken = isNew && others.includes(name);
  const isReady = name !== '' && !isTaken;
  return (
    <DraftForm
      title={isNew ? words.create : cohort}
      about={[['cohorts', name]]}
      edits={isReady ? editsOf(name, isInUse, others.length > 0, before, next) : []}
      isReady={isReady}
      effects={(text) => <Effects text={text} />}
      onClose={onClose}
    >
      <p class="muted">{words.hint}</p>
      {isNew && <Field label={words.name} class="mono full" value={name} onInput={(text) => setName(text.trim())} />}
      {isTaken && <p class="notice">{words.taken(name)}</p>}
      <div class="halves">
        <Ids label={words.users} ids={next.users} onChange={(users) => setNext({ ...next, users })} />
        <Ids label={words.except} ids={next.except} onChange={(except) => setNext({ ...next, except })} />
      </div>
      <h3>{words.when}</h3>
      <p class="muted">{words.whenHint}</p>
      <ConditionList list={next.when} names={names} onChange={(when) => setNext({ ...next, when })} />
    </DraftForm>
  );
}

async function load(cohort: string): Promise<Loaded> {
  const nothing = { values: [] };
  if (cohort === '') return { before: nothing, now: EMPTY, isInUse: false };
  const [onto, text] = [ground.value ?? '', drafted.value?.text ?? ground.value ?? ''];
  const before = await engine()
    .cohortOutline(onto, cohort)
    .catch(() => undefined);
  const now = cohortOf(await engine().cohortOutline(text, cohort));
  return { before: before ?? nothing, now, isInUse: before !== undefined };
}

export function CohortForm(props: FormProps): JSX.Element {
  const { value, problem } = useFetched(props.cohort, () => load(props.cohort));
  const long = value && Math.max(value.now.users.length, value.now.except.length) > MOST_LINES;
  if (value && !long) return <Form {...props} {...value} />;
  return (
    <Dialog title={props.cohort} onClose={props.onClose}>
      {long ? <p>{words.tooLong(count(MOST_LINES))}</p> : <Waiting text={en.why.loading} problem={problem} />}
      <div class="row buttons">
        {long && (
          <Link class="btn primary" href="/text?at=cohorts">
            {words.edit}
          </Link>
        )}
        <button type="button" class="btn" onClick={props.onClose}>
          {en.command.cancel}
        </button>
      </div>
    </Dialog>
  );
}
