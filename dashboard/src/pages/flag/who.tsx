/** "Who gets it": a sentence, the slider, and what a change would do before anybody publishes it. */

import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { FlagUsers, LiveFlag, Series } from '../../data/api.ts';
import { type FlagRow, isOff } from '../../data/rows.ts';
import { may, waitsForPersonOf } from '../../data/store.ts';
import { base, baseFailure, type Drafted, drafted, ground } from '../../draft/document.ts';
import { change, draft, draftedPercentage, editsOf, type Path, samePath, undo } from '../../draft/store.ts';
import { read } from '../../draft/values.ts';
import { engine, engineFailure } from '../../engine/client.ts';
import type { Outline } from '../../engine.ts';
import { askFor } from '../../ui/command.tsx';
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
import { switches } from './switches.ts';

const words = en.flag.who;

interface Props {
  readonly row: FlagRow;
  readonly live: LiveFlag | undefined;
  readonly series: Series | undefined;
  readonly users: FlagUsers | undefined;
}

const pathOf = (key: string, ...rest: string[]): Path => ['flags', key, ...rest];

/** The sentence about the percentage; of a flag that is off, for when it is not any more. */
function shareWords(share: string, conditions: number, live: LiveFlag | undefined): string {
  if (isOff(live)) return words.nobodyNow(live?.mode === 'held', share, conditions);
  return conditions > 0 ? words.sentenceConditions(share, conditions) : words.sentence(share);
}

function Sentence({
  outline,
  percentage,
  live,
}: {
  outline: Outline;
  percentage: number;
  live: LiveFlag | undefined;
}): JSX.Element {
  const conditions = read<readonly unknown[]>(outline, 'conditions')?.length ?? 0;
  const rules = read<readonly unknown[]>(outline, 'rules')?.length ?? 0;
  const [first, never] = [true, false].map((gets) =>
    switches(outline)
      .filter((one) => one[1] === gets)
      .map(([name]) => name)
      .join(', '),
  );
  return (
    <p>
      {read<boolean>(outline, 'enabled') === false && <b>{words.disabled} </b>}
      {shareWords(exactPercent(percentage), conditions, live)}
      {first && ` ${words.sentenceCohorts(first)}`}
      {never && ` ${words.sentenceNever(never)}`}
      {rules > 0 && ` ${words.sentenceRules(rules)}`}
    </p>
  );
}

/** The switch that turns a flag off for everyone, as a draft; what must be off at once is held. */
function Enabled({ flag, outline, off }: { flag: string; outline: Outline; off: boolean }): JSX.Element {
  const now = read<boolean>(outline, 'enabled') ?? true;
  const edit = editsOf(flag).find((one) => one.op === 'set' && one.path.length === 3 && one.path[2] === 'enabled');
  const turn = (on: boolean) => {
    if (on === now) undo(pathOf(flag, 'enabled'));
    else if (base.value) change(base.value, { op: 'set', path: pathOf(flag, 'enabled'), value: on });
  };
  return (
    <label class="chip">
      <input type="checkbox" checked={edit ? !now : now} onChange={(event) => turn(event.currentTarget.checked)} />{' '}
      {off ? words.enabledOff : words.enabled}
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

/** Whether the draft removes the schedule. */
function dropsSchedule(flag: string): boolean {
  const place = pathOf(flag, 'rollout', 'schedule');
  return editsOf(flag).some((edit) => edit.op === 'remove' && samePath(edit.path, place));
}

/** Raising the percentage by hand makes no sense while a schedule would go on from elsewhere. */
function setPercentage(flag: string, value: number, outline: Outline): void {
  const onto = base.value;
  if (!onto) return;
  const hasSchedule = read(outline, 'rollout', 'schedule') !== undefined;
  const dropped = dropsSchedule(flag);
  const isFirst = draftedPercentage(flag) === undefined;
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

/** Before somebody tries a change: that they cannot publish it, and what they can do at once. */
function MayNot({ flag, live }: { flag: string; live: LiveFlag | undefined }): JSX.Element {
  const mayHold = may('operator') && !isOff(live);
  return (
    <p class="muted">
      {words.mayTry} {mayHold && `${words.stopNow} `}
      {mayHold && (
        <button type="button" class="btn small" onClick={() => askFor('hold', flag)}>
          {en.command.holdLong}
        </button>
      )}
    </p>
  );
}

function Form({ outline, drafted: after, ...props }: Props & Outlines): JSX.Element {
  const { row, live } = props;
  const own = read<number>(outline, 'rollout', 'percentage') ?? row.percentage;
  const served = live?.asked ?? own;
  const next = draftedPercentage(row.key);
  const percentage = next ?? own;
  const isDropped = dropsSchedule(row.key);
  return (
    <>
      {!may('publisher') && <MayNot flag={row.key} live={live} />}
      <Sentence outline={after} percentage={percentage} live={live} />
      {waitsForPersonOf(row.key) && !isOff(live) && <p class="notice">{words.rolledBackNote}</p>}
      <Slider
        now={isOff(live) ? 0 : served}
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
    </>
  );
}

/** The flag as it is in use, and as the draft has it. */
interface Outlines {
  readonly outline: Outline;
  readonly drafted: Outline;
}

/** The flag as the draft has it; as it is in use while the draft cannot be made or removes it. */
function useDrafted(flag: string, inUse: Outline | undefined): Outline | undefined {
  const last = useRef<Outline | undefined>(undefined);
  const text = drafted.value?.text;
  const isSame = text === undefined || text === ground.value;
  const { value, problem } = useFetched(isSame ? '' : text, async () =>
    isSame ? undefined : engine().outline(text, flag),
  );
  if (isSame || problem) last.current = inUse;
  else if (value) last.current = value;
  return last.current ?? inUse;
}

export function Who(props: Props): JSX.Element {
  const { row } = props;
  const onto = ground.value;
  const { value, problem } = useFetched(`${row.key} ${onto ?? ''}`, async () =>
    onto === undefined ? undefined : engine().outline(onto, row.key),
  );
  const next = useDrafted(row.key, value);
  const failure = baseFailure.value ?? problem ?? (engineFailure.value ? new Error(engineFailure.value) : undefined);
  return (
    <>
      <section class="panel" aria-labelledby="who">
        <div class="row">
          <h2 id="who">{words.title}</h2>
          {value && <Enabled flag={row.key} outline={value} off={isOff(props.live)} />}
          <Buttons flag={row.key} />
        </div>
        {value && next ? (
          <Form {...props} outline={value} drafted={next} />
        ) : (
          <Waiting text={words.loading} problem={failure} />
        )}
      </section>
      {value && next && (
        <Rules flag={row.key} outline={value} drafted={next} counted={{ series: props.series, users: props.users }} />
      )}
    </>
  );
}
