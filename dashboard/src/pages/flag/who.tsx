/** "Who gets it": a sentence, the slider, and what a change would do before anybody publishes it. */

import type { JSX } from 'preact';
import type { LiveFlag, Series } from '../../data/api.ts';
import type { FlagRow } from '../../data/rows.ts';
import { may, waitsForPersonOf } from '../../data/store.ts';
import { base, baseFailure, type Drafted, drafted } from '../../draft/document.ts';
import { change, draft, editsOf, type Path, undo } from '../../draft/store.ts';
import { engine, engineFailure } from '../../engine/client.ts';
import type { Outline } from '../../engine.ts';
import { useFetched } from '../../ui/fetched.ts';
import { Link } from '../../ui/link.tsx';
import { Waiting } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { exactPercent } from '../../words/format.ts';
import { Blast } from './blast.tsx';
import { Fault } from './fault.tsx';
import { Rules } from './rules.tsx';
import { Schedule } from './schedule.tsx';
import { Slider } from './slider.tsx';
import { read } from './values.ts';

const words = en.flag.who;

interface Props {
  readonly row: FlagRow;
  readonly live: LiveFlag | undefined;
  readonly series: Series | undefined;
}

const pathOf = (key: string, ...rest: string[]): Path => ['flags', key, ...rest];

function Sentence({ outline, percentage }: { outline: Outline; percentage: number }): JSX.Element {
  const conditions = read<readonly unknown[]>(outline, 'conditions')?.length ?? 0;
  const share = exactPercent(percentage);
  const cohorts = [...new Set(outline.cohorts.map(({ name }) => name))].join(', ');
  return (
    <p>
      {read<boolean>(outline, 'enabled') === false && <b>{words.disabled} </b>}
      {conditions > 0 ? words.sentenceConditions(share, conditions) : words.sentence(share)}
      {cohorts && ` ${words.sentenceCohorts(cohorts)}`}
    </p>
  );
}

/** The switch that turns a flag off for everyone, as a draft; what must be off at once is held. */
function Enabled({ flag, outline }: { flag: string; outline: Outline }): JSX.Element {
  const now = read<boolean>(outline, 'enabled') ?? true;
  const edit = editsOf(flag).find((one) => one.op === 'set' && one.path.length === 3 && one.path[2] === 'enabled');
  const turn = (on: boolean) => {
    if (on === now) undo(pathOf(flag, 'enabled'));
    else if (base.value) change(base.value, { op: 'set', path: pathOf(flag, 'enabled'), value: on });
  };
  return (
    <label class="chip">
      <input type="checkbox" checked={edit ? !now : now} onChange={(event) => turn(event.currentTarget.checked)} />{' '}
      {words.enabled}
    </label>
  );
}

function Buttons({ flag }: { flag: string }): JSX.Element | null {
  const edits = editsOf(flag).length;
  if (edits === 0) return null;
  return (
    <>
      <span class="muted end">{words.edited(edits)}</span>
      <button type="button" class="btn" onClick={() => undo(['flags', flag])}>
        {words.discard}
      </button>
      <Link class="btn primary" href="/review">
        {words.review}
      </Link>
    </>
  );
}

/** Raising the percentage by hand makes no sense while a schedule would go on from elsewhere. */
function setPercentage(flag: string, value: number, outline: Outline): void {
  const onto = base.value;
  if (!onto) return;
  const hasSchedule = read(outline, 'rollout', 'schedule') !== undefined;
  const dropped = editsOf(flag).some((edit) => edit.op === 'remove');
  const isFirst = editsOf(flag).length === 0;
  change(onto, { op: 'set', path: pathOf(flag, 'rollout', 'percentage'), value });
  if (hasSchedule && (isFirst || dropped)) dropSchedule(flag, outline);
}

function dropSchedule(flag: string, outline: Outline): void {
  const onto = base.value;
  if (!onto) return;
  const ramp = read(outline, 'rollout', 'ramp') !== undefined;
  const names = ramp ? ['schedule', 'ramp'] : ['schedule'];
  change(onto, ...names.map((name) => ({ op: 'remove' as const, path: pathOf(flag, 'rollout', name) })));
}

function keepSchedule(flag: string): void {
  for (const name of ['schedule', 'ramp']) undo(pathOf(flag, 'rollout', name));
}

function draftedPercentage(flag: string): number | undefined {
  const edit = editsOf(flag).find((one) => one.op === 'set' && one.path.at(-1) === 'percentage');
  return edit?.op === 'set' ? Number(edit.value) : undefined;
}

function Effects({
  row,
  live,
  series,
  percentage,
  isDrafted,
}: Props & { percentage: number; isDrafted: boolean }): JSX.Element {
  const now: Drafted | undefined = drafted.value;
  if (now?.declined) {
    return (
      <p class="notice">
        {words.declined} {now.declined}
      </p>
    );
  }
  return (
    <div class="halves">
      <Blast row={row} live={live} series={series} isDrafted={isDrafted} />
      <Fault row={row} series={series} share={percentage} />
    </div>
  );
}

function Form({ outline, ...props }: Props & { outline: Outline }): JSX.Element {
  const { row, live } = props;
  const own = read<number>(outline, 'rollout', 'percentage') ?? row.percentage;
  const served = live?.asked ?? own;
  const next = draftedPercentage(row.key);
  const percentage = next ?? own;
  const isDropped = editsOf(row.key).some((edit) => edit.op === 'remove');
  return (
    <>
      <Sentence outline={outline} percentage={percentage} />
      {waitsForPersonOf(row.key) && (
        <p class="notice">{live?.mode === 'held' ? words.heldNote : words.rolledBackNote}</p>
      )}
      <Slider
        now={served}
        value={next ?? served}
        isDrafted={next !== undefined}
        onChange={(value) => setPercentage(row.key, value, outline)}
      />
      <Schedule
        outline={outline}
        isDropped={isDropped}
        isDrafted={next !== undefined}
        onDrop={(on) => (on ? dropSchedule(row.key, outline) : keepSchedule(row.key))}
      />
      <Effects {...props} percentage={percentage} isDrafted={draft.value !== undefined} />
      {!may('publisher') && <p class="muted">{words.viewOnly}</p>}
    </>
  );
}

export function Who(props: Props): JSX.Element {
  const { row } = props;
  const onto = base.value;
  const { value, problem } = useFetched(`${row.key} ${onto?.digest ?? ''}`, async () =>
    onto ? engine().outline(onto.text, row.key) : undefined,
  );
  const failure = baseFailure.value ?? problem ?? (engineFailure.value ? new Error(engineFailure.value) : undefined);
  return (
    <>
      <section class="panel" aria-labelledby="who">
        <div class="row">
          <h2 id="who">{words.title}</h2>
          {value && <Enabled flag={row.key} outline={value} />}
          <Buttons flag={row.key} />
        </div>
        {value ? <Form {...props} outline={value} /> : <Waiting text={words.loading} problem={failure} />}
      </section>
      {value && <Rules outline={value} series={props.series} flag={row.key} />}
    </>
  );
}
