/** A condition as a sentence part: `country is one of DE, AT`, and groups with "and" and "or". */

import type { ComponentChildren, JSX } from 'preact';
import type { Value } from '../draft/store.ts';
import { isMap, type MapValue, oneLine } from '../draft/values.ts';
import { en } from '../words/en.ts';

const words = en.conditions;

function Group({ list, by }: { list: readonly Value[]; by: string }): JSX.Element {
  const parts: ComponentChildren[] = list.map((value, at) => [at > 0 && ` ${by} `, <Part key={at} value={value} />]);
  const isOne = list.length < 2;
  return (
    <>
      {!isOne && '('}
      {parts}
      {!isOne && ')'}
    </>
  );
}

function Test({ value }: { value: MapValue }): JSX.Element {
  const operator = String(value.operator ?? '');
  return (
    <>
      <b class="mono">{String(value.attribute)}</b> {en.operators[operator] ?? operator}{' '}
      <b class="mono">{value.value === undefined ? '' : oneLine(value.value)}</b>
    </>
  );
}

function OtherFlag({ value }: { value: MapValue }): JSX.Element {
  return (
    <>
      <b class="mono">{String(value.flag)}</b>{' '}
      {'variant' in value ? words.serves(String(value.variant)) : words.is(value.enabled !== false)}
    </>
  );
}

export function Part({ value }: { value: Value }): JSX.Element {
  if (!isMap(value)) return <>{oneLine(value)}</>;
  if (value.not !== undefined) {
    return (
      <>
        {words.not} <Part value={value.not} />
      </>
    );
  }
  if (Array.isArray(value.any)) return <Group list={value.any} by={words.or} />;
  if (Array.isArray(value.all)) return <Group list={value.all} by={words.and} />;
  if ('attribute' in value) return <Test value={value} />;
  if ('flag' in value) return <OtherFlag value={value} />;
  return (
    <>
      {words.memberOf} <b class="mono">{String(value.cohort)}</b>
    </>
  );
}
