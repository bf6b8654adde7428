/** What forms offer: the names of the document, and what the schema of documents says about their keys. */

import { drafted } from '../draft/document.ts';
import { engine } from '../engine/client.ts';
import { useFetched } from '../ui/fetched.ts';

/** A key of a map, as JSON Schema has it. */
export interface KeySchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: KeySchema;
}

export interface Schema {
  readonly $defs: {
    readonly Operator: { readonly enum: readonly string[] };
    readonly ErrorThreshold: { readonly properties: Readonly<Record<string, KeySchema>> };
  };
}

export function useSchema(): Schema | undefined {
  return useFetched('schema', async () => JSON.parse(await engine().schema()) as Schema).value;
}

/** The cohorts of the document, as the draft has it. */
export function useCohorts(): readonly string[] {
  const text = drafted.value?.text ?? drafted.value?.base.text ?? '';
  const { value } = useFetched(text, () => engine().cohorts(text));
  return value?.map(({ name }) => name) ?? [];
}
