/** Conditions, cohorts, variants and the error threshold as the document has them, and where each was inherited. */

import type { ComponentChildren, JSX } from 'preact';
import type { Series } from '../../data/api.ts';
import type { Value } from '../../draft/store.ts';
import type { Outline } from '../../engine.ts';
import { Link } from '../../ui/link.tsx';
import { Panel } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { count, exactPercent } from '../../words/format.ts';
import { inheritedFrom, oneLine, read } from './values.ts';

const words = en.flag.who;

type Map_ = { readonly [key: string]: Value };

const isMap = (value: Value): value is Map_ => typeof value === 'object' && value !== null && !Array.isArray(value);

function Condition({ value }: { value: Value }): JSX.Element {
  if (!isMap(value)) return <span class="chip">{oneLine(value)}</span>;
  if ('not' in value) {
    return (
      <span class="chip">
        {words.not} <Test value={value.not as Value} />
      </span>
    );
  }
  return (
    <span class="chip">
      <Test value={value} />
    </span>
  );
}

function Test({ value }: { value: Value }): JSX.Element {
  if (!isMap(value) || !('attribute' in value)) return <>{oneLine(value)}</>;
  return (
    <>
      <b class="mono">{oneLine(value.attribute as Value)}</b> {oneLine((value.operator as Value) ?? '')}{' '}
      <b class="mono">{value.value === undefined ? '' : oneLine(value.value)}</b>
    </>
  );
}

function Part(props: {
  title: string;
  aside?: string | undefined;
  from?: string | undefined;
  children: ComponentChildren;
}): JSX.Element {
  const aside = [props.aside, props.from ? words.inherited(props.from) : ''].filter(Boolean).join(' · ');
  return (
    <Panel title={props.title} aside={aside}>
      {props.children}
    </Panel>
  );
}

function Conditions({ outline }: { outline: Outline }): JSX.Element {
  const conditions = read<readonly Value[]>(outline, 'conditions') ?? [];
  return (
    <Part
      title={words.conditions}
      aside={conditions.length > 0 ? words.allMustHold : undefined}
      from={inheritedFrom(outline, 'conditions')}
    >
      {conditions.length === 0 ? (
        <p class="muted">{words.noConditions}</p>
      ) : (
        <div class="values">
          {conditions.map((condition) => (
            <Condition key={JSON.stringify(condition)} value={condition} />
          ))}
        </div>
      )}
    </Part>
  );
}

interface Variant {
  readonly name: string;
  readonly weight?: number;
  readonly value?: Value;
}

function Variants({ outline, series }: { outline: Outline; series: Series | undefined }): JSX.Element | null {
  const variants = read<readonly Variant[]>(outline, 'variants');
  if (!variants) return null;
  const weights = variants.reduce((all, { weight = 1 }) => all + weight, 0);
  const given = (name: string) => series?.variants[name]?.reduce((all, value) => all + value, 0);
  return (
    <Part title={words.variants} from={inheritedFrom(outline, 'variants')}>
      <table>
        <tbody>
          {variants.map(({ name, weight = 1, value }) => (
            <tr key={name}>
              <th scope="row" class="mono">
                {name}
              </th>
              <td class="mono muted">{value === undefined ? '' : JSON.stringify(value)}</td>
              <td class="n">{exactPercent((100 * weight) / weights)}</td>
              <td class="n muted">{given(name) === undefined ? '' : count(given(name) ?? 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Part>
  );
}

function Threshold({ outline }: { outline: Outline }): JSX.Element | null {
  const threshold = read<Map_>(outline, 'error_threshold');
  if (!threshold) return null;
  return (
    <Part title={words.threshold} from={inheritedFrom(outline, 'error_threshold')}>
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

function Cohorts({ outline }: { outline: Outline }): JSX.Element | null {
  if (outline.cohorts.length === 0) return null;
  return (
    <Part title={words.cohorts} from={inheritedFrom(outline, 'rollout', 'cohorts')}>
      <div class="values">
        {[...new Set(outline.cohorts.map(({ name }) => name))].map((name) => (
          <Link key={name} class="chip mono" href={`/cohorts#${encodeURIComponent(name)}`}>
            {name}
          </Link>
        ))}
      </div>
    </Part>
  );
}

export function Rules({
  outline,
  series,
}: {
  outline: Outline;
  series: Series | undefined;
  flag: string;
}): JSX.Element {
  return (
    <>
      <Conditions outline={outline} />
      <Cohorts outline={outline} />
      <Variants outline={outline} series={series} />
      <Threshold outline={outline} />
    </>
  );
}
