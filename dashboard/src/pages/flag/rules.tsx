/** Conditions, cohorts, variants and the error threshold as the document has them, and where each was inherited. */

import type { ComponentChildren, JSX } from 'preact';
import type { FlagUsers, Series, VariantSeries } from '../../data/api.ts';
import { editsOf, type Path, placeOf, samePath, type Value } from '../../draft/store.ts';
import { inheritedFrom, type MapValue, oneLine, read } from '../../draft/values.ts';
import type { Outline } from '../../engine.ts';
import { useQuery } from '../../ui/address.ts';
import { Part as Condition } from '../../ui/condition.tsx';
import { later } from '../../ui/later.tsx';
import { Link } from '../../ui/link.tsx';
import { en } from '../../words/en.ts';
import { count, exactPercent, rate } from '../../words/format.ts';
import type { PartName } from './forms/forms.tsx';
import { type Step, steps } from './schedule.tsx';
import { COHORTS, switches } from './switches.ts';

const words = en.flag.who;
const forms = en.flag.forms;

const Forms = later(() => import('./forms/forms.tsx').then((module) => module.Forms));

/** Where each part stands in a flag. */
const PLACES: Readonly<Record<PartName, Path>> = {
  rules: ['rules'],
  conditions: ['conditions'],
  cohorts: COHORTS,
  variants: ['variants'],
  threshold: ['error_threshold'],
  schedule: ['rollout', 'schedule'],
};

interface PartProps {
  readonly flag: string;
  /** As the draft has it. */
  readonly outline: Outline;
  readonly onEdit: (part: PartName) => void;
}

function Part(
  props: PartProps & { name: PartName; aside?: string | undefined; children: ComponentChildren },
): JSX.Element {
  const { name, outline, flag, children } = props;
  const from = inheritedFrom(outline, ...PLACES[name]);
  const aside = [props.aside, from ? words.inherited(from) : ''].filter(Boolean).join(' · ');
  const place = ['flags', flag, ...PLACES[name]];
  const isEdited = editsOf(flag).some((edit) => samePath(placeOf(edit).slice(0, place.length), place));
  return (
    <section class="panel" aria-label={words[name]}>
      <div class="row">
        <h2>
          {words[name]} {aside && <span class="muted aside">{aside}</span>}
        </h2>
        {isEdited && <span class="chip">{forms.inDraft}</span>}
        <Edit name={name} onEdit={props.onEdit} class="btn small end">
          {forms.edit}
        </Edit>
      </div>
      {children}
    </section>
  );
}

function Edit(props: {
  name: PartName;
  class: string;
  children: string;
  onEdit: (part: PartName) => void;
}): JSX.Element {
  return (
    <button
      type="button"
      class={props.class}
      aria-label={forms.editPart(words[props.name])}
      onClick={() => props.onEdit(props.name)}
    >
      {props.children}
    </button>
  );
}

function Conditions(props: PartProps): JSX.Element {
  const conditions = read<readonly Value[]>(props.outline, 'conditions') ?? [];
  return (
    <Part {...props} name="conditions" aside={conditions.length > 0 ? words.allMustHold : undefined}>
      {conditions.length === 0 ? (
        <p class="muted">{words.noConditions}</p>
      ) : (
        <div class="values">
          {conditions.map((condition) => (
            <span key={JSON.stringify(condition)} class="chip">
              <Condition value={condition} />
            </span>
          ))}
        </div>
      )}
    </Part>
  );
}

interface Rule {
  readonly name?: string;
  readonly conditions?: readonly Value[];
  readonly percentage?: number;
  readonly variant?: string;
}

function RuleRow({ rule, number }: { rule: Rule; number: number }): JSX.Element {
  const { name, conditions = [], percentage = 100, variant } = rule;
  return (
    <li>
      <b>{name ?? forms.rule(number)}</b>:{' '}
      {conditions.length === 0 ? words.everyone : <Condition value={{ all: conditions }} />} →{' '}
      <b>{exactPercent(percentage)}</b> {variant !== undefined && <span class="mono">{variant}</span>}
    </li>
  );
}

function RuleList(props: PartProps): JSX.Element {
  const rules = read<readonly Rule[]>(props.outline, ...PLACES.rules) ?? [];
  return (
    <Part {...props} name="rules" aside={words.firstDecides}>
      <ol class="rule-list">
        {rules.map((rule, at) => (
          <RuleRow key={JSON.stringify(rule)} rule={rule} number={at + 1} />
        ))}
      </ol>
    </Part>
  );
}

interface Variant {
  readonly name: string;
  readonly weight?: number;
  readonly value?: Value;
}

/** What was counted. */
export interface Counted {
  readonly series: Series | undefined;
  readonly users: FlagUsers | undefined;
}

/** How the calls of a variant went, within the time of the series. */
function Outcomes({ of }: { of: VariantSeries | undefined }): JSX.Element {
  const { failed, p95, total } = of?.whole ?? { failed: null, p95: null, total: 0 };
  return (
    <>
      <td class="n">{failed === null ? '–' : words.byVariant.failedOf(rate(failed), total)}</td>
      <td class="n">{p95 === null ? '–' : words.byVariant.milliseconds(p95)}</td>
    </>
  );
}

function Variants({ series, users, ...props }: PartProps & Counted): JSX.Element {
  const variants = read<readonly Variant[]>(props.outline, 'variants') ?? [];
  const weights = variants.reduce((all, { weight = 1 }) => all + weight, 0);
  return (
    <Part {...props} name="variants">
      <table>
        <thead>
          <tr>
            <th scope="col">{words.byVariant.variant}</th>
            <th scope="col">{words.byVariant.value}</th>
            <th scope="col" class="n">
              {words.byVariant.share}
            </th>
            <th scope="col" class="n">
              {words.byVariant.users}
            </th>
            <th scope="col" class="n">
              {words.byVariant.failed}
            </th>
            <th scope="col" class="n">
              {words.byVariant.p95}
            </th>
          </tr>
        </thead>
        <tbody>
          {variants.map(({ name, weight = 1, value }) => (
            <tr key={name}>
              <th scope="row" class="mono">
                {name}
              </th>
              <td class="mono muted">{value === undefined ? '' : JSON.stringify(value)}</td>
              <td class="n">{exactPercent((100 * weight) / weights)}</td>
              <td class="n">{count(users?.variants[name]?.total ?? 0)}</td>
              <Outcomes of={series?.variants[name]} />
            </tr>
          ))}
        </tbody>
      </table>
    </Part>
  );
}

function Threshold(props: PartProps): JSX.Element {
  const threshold = read<MapValue>(props.outline, 'error_threshold') ?? {};
  return (
    <Part {...props} name="threshold">
      <div class="values">
        {Object.entries(threshold).map(([name, value]) => (
          <span key={name} class="chip">
            {name} <b class="mono">{oneLine(value)}</b>
          </span>
        ))}
      </div>
    </Part>
  );
}

function Cohorts(props: PartProps): JSX.Element {
  return (
    <Part {...props} name="cohorts">
      <div class="values">
        {switches(props.outline).map(([name, gets]) => (
          <span key={name} class="chip">
            <Link class="mono" href={`/cohorts#${encodeURIComponent(name)}`}>
              {name}
            </Link>{' '}
            {gets ? forms.always : forms.never}
          </span>
        ))}
      </div>
    </Part>
  );
}

function Stages(props: PartProps): JSX.Element {
  const ramp = read<string>(props.outline, 'rollout', 'ramp') === 'linear' ? forms.linear : forms.inSteps;
  return (
    <Part {...props} name="schedule" aside={ramp}>
      <p class="muted">{steps(read<readonly Step[]>(props.outline, ...PLACES.schedule) ?? [])}</p>
    </Part>
  );
}

/** Parts that a flag does not have yet, in one line. */
function Missing({
  names,
  onEdit,
}: {
  names: readonly PartName[];
  onEdit: (part: PartName) => void;
}): JSX.Element | null {
  if (names.length === 0) return null;
  return (
    <section class="panel row tight" aria-label={forms.add}>
      <span class="muted">{forms.add}</span>
      {names.map((name) => (
        <Edit key={name} name={name} class="chip" onEdit={onEdit}>
          {words[name]}
        </Edit>
      ))}
    </section>
  );
}

export function Rules(props: { flag: string; outline: Outline; drafted: Outline; counted: Counted }): JSX.Element {
  const { flag, drafted } = props;
  const query = useQuery();
  const open = query.get('edit') as PartName;
  const setOpen = (edit: string) => query.set({ edit });
  const has = (name: PartName) =>
    name === 'cohorts' ? switches(drafted).length > 0 : read(drafted, ...PLACES[name]) !== undefined;
  const part = { flag, outline: drafted, onEdit: setOpen };
  return (
    <>
      {has('schedule') && <Stages {...part} />}
      {has('rules') && <RuleList {...part} />}
      <Conditions {...part} />
      {has('cohorts') && <Cohorts {...part} />}
      {has('variants') && <Variants {...part} {...props.counted} />}
      {has('threshold') && <Threshold {...part} />}
      <Missing
        names={(['rules', 'cohorts', 'variants', 'threshold', 'schedule'] as const).filter((name) => !has(name))}
        onEdit={setOpen}
      />
      {open in PLACES && (
        <Forms part={open} flag={flag} outline={props.outline} drafted={drafted} onClose={() => setOpen('')} />
      )}
    </>
  );
}
