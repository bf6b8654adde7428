import type { FlagValueType, JsonValue } from '@openfeature/core';
import { expect } from 'vitest';
import type { Step } from './scenarios.ts';
import type { Level } from './sides.ts';
import type { World } from './world.ts';

type Meaning = (world: World, words: readonly string[], table: Step['table']) => Promise<void> | void;

const TYPES: Readonly<Record<string, FlagValueType>> = {
  boolean: 'boolean',
  string: 'string',
  integer: 'number',
  float: 'number',
  number: 'number',
  object: 'object',
};

/** A type as scenarios name it. */
function typeOf(word: string): FlagValueType {
  const type = TYPES[word.toLowerCase()];
  if (type === undefined) throw new Error(`no flag is of the type ${word}`);
  return type;
}

/** A value as scenarios write it, quotes inside with a backslash. */
function jsonOf(word: string, text: string): JsonValue {
  return typeOf(word) === 'string' ? text : (JSON.parse(text.replaceAll('\\"', '"')) as JsonValue);
}

const unquoted = (text: string): string => text.replaceAll(/^"|"$/g, '');

const PICTURES = { showImages: true, title: 'Check out these pics!', imagesPerPage: 100 };

/** What each step means; words are what stands in the groups. */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  // Providers.
  [/^a stable provider with retrievable context is registered$/, (world) => world.provide('stable')],
  [/^an? (not ready|error|fatal|stable|stale) provider$/, (world, [state = '']) => world.provide(state)],
  [
    /^the provider status should be "(\w+)"$/,
    (world, [status]) => {
      expect(world.side.status).toBe(status);
    },
  ],

  // Questions.
  [
    /^an? (\w+)-flag with key "(.*)" and a fallback value "(.*)"$/,
    (world, [type = '', key = '', text = '']) => world.ask(typeOf(type), key, jsonOf(type, text)),
  ],
  [/^the flag was evaluated with details(?: using the evaluation options)?$/, (world) => world.evaluate()],
  [
    /^the flag was evaluated with details asynchronously$/,
    async (world) => {
      const evaluated = world.evaluate();
      queueMicrotask(() => {
        world.wasFree = !world.isEvaluated;
      });
      await evaluated;
    },
  ],
  [
    /^the evaluation should complete without blocking$/,
    ({ wasFree }) => {
      expect(wasFree).toBe(true);
    },
  ],
  [
    /^an? (?:non-existent )?(\w+) flag with key "(.*)" is evaluated (?:with details and |with )(?:a )?(?:default|fallback) value (.+)$/,
    (world, [type = '', key = '', text = '']) => asked(world, type, key, jsonOf(type, unquoted(text))),
  ],
  [
    /^an object flag with key "(.*)" is evaluated with (?:details and )?a null default value$/,
    (world, [key = '']) => asked(world, 'object', key, null),
  ],
  [
    /^a string flag with key "(.*)" is evaluated as an integer, with details and a fallback value (\d+)$/,
    (world, [key = '', fallback]) => asked(world, 'integer', key, Number(fallback)),
  ],
  [
    /^a flag with key "(.*)" is evaluated with default value "(.*)"$/,
    (world, [key = '', fallback = '']) => asked(world, 'string', key, fallback),
  ],

  // Contexts.
  [
    /^a context containing a key "(.*)", with type "(.*)" and with value "(.*)"$/,
    (world, [key = '', type = '', text = '']) => {
      world.context = { ...world.context, [key]: jsonOf(type, text) };
    },
  ],
  [
    /^a context containing a key "(.*)" with null value$/,
    (world, [key = '']) => {
      world.context = { ...world.context, [key]: null };
    },
  ],
  [
    /^context contains keys "(.*)", "(.*)", "(.*)", "(.*)" with values "(.*)", "(.*)", (\d+), "(.*)"$/,
    (world, [one = '', two = '', three = '', four = '', first = '', second = '', third, fourth]) => {
      world.context = { [one]: first, [two]: second, [three]: Number(third), [four]: fourth === 'true' };
    },
  ],
  [
    /^an evaluation context with modifiable data$/,
    (world) => {
      world.context = { targetingKey: 'alice', list: ['one'], nested: { deep: 1 } };
      world.untouched = structuredClone(world.context);
    },
  ],
  [
    /^the original evaluation context should remain unmodified$/,
    (world) => {
      expect(world.context).toEqual(world.untouched);
    },
  ],
  [
    /^the evaluation details should be immutable$/,
    // What the specification asks for is that of the metadata.
    ({ details }) => {
      expect(Object.isFrozen(details.flagMetadata)).toBe(true);
    },
  ],

  // Answers.
  [
    /^the resolved details value should be "(.*)"$/,
    ({ details, fallback }, [text = '']) => {
      const expected = jsonOf(typeof fallback, text);
      expect(details.value).toEqual(expected);
    },
  ],
  [
    /^the reason should be "(\w+)"$/,
    ({ details }, [reason]) => {
      expect(details.reason).toBe(reason);
    },
  ],
  [
    /^the error-code should be "(\w+)"$/,
    ({ details }, [code]) => {
      expect(details.errorCode).toBe(code);
    },
  ],
  [
    /^the flag key should be "(.*)"$/,
    ({ details }, [key]) => {
      expect(details.flagKey).toBe(key);
    },
  ],
  [
    /^the variant should be "([^"]*)"$/,
    ({ details }, [variant]) => {
      expect(details.variant).toBe(variant);
    },
  ],
  [
    /^the resolved (?!details)(\w+) (?:value|response) should be ("[^"]*"|[\d.]+)$/,
    ({ details }, [type = '', text = '']) => {
      expect(details.value).toEqual(jsonOf(type, unquoted(text)));
    },
  ],
  [
    /^the resolved (\w+) details value should be (.+), the variant should be "(.*)", and the reason should be "(.*)"$/,
    ({ details }, [type = '', text = '', variant, reason]) => {
      expect(details.value).toEqual(jsonOf(type, unquoted(text)));
      expect(details.variant).toBe(variant);
      expect(details.reason).toBe(reason);
    },
  ],
  [
    /^the resolved object (?:details )?value should be contain fields "showImages", "title", and "imagesPerPage", with values "true", "Check out these pics!" and 100, respectively$/,
    ({ details }) => {
      expect(details.value).toEqual(PICTURES);
    },
  ],
  [
    /^the variant should be "(.*)", and the reason should be "(.*)"$/,
    ({ details }, [variant, reason]) => {
      expect(details.variant).toBe(variant);
      expect(details.reason).toBe(reason);
    },
  ],
  [
    /^the resolved flag value is "(.*)" when the context is empty$/,
    async (world, [value]) => {
      world.context = {};
      await world.evaluate();
      expect(world.details.value).toBe(value);
    },
  ],
  [
    /^the default \w+ value should be returned$/,
    ({ details, fallback }) => {
      expect(details.value).toEqual(fallback);
    },
  ],
  [
    /^the reason should indicate an error and the error code should indicate .* with "(\w+)"$/,
    ({ details }, [code]) => {
      expect(details.reason).toBe('ERROR');
      expect(details.errorCode).toBe(code);
    },
  ],

  // Metadata.
  [
    /^the resolved metadata should contain$/,
    ({ details }, _, table) => {
      for (const [key = '', type = '', text = ''] of table.slice(1)) {
        expect(details.flagMetadata[key]).toBe(jsonOf(type, text));
      }
    },
  ],
  [
    /^the resolved metadata is empty$/,
    ({ details }) => {
      expect(details.flagMetadata).toEqual({});
    },
  ],

  // Hooks.
  [/^a client with added hook$/, (world) => world.side.addHook(world.hook('client'))],
  [
    /^evaluation options containing specific hooks$/,
    (world) => {
      world.hooks.push(world.hook('first'), world.hook('second'));
    },
  ],
  [
    /^the specified hooks should execute during evaluation$/,
    ({ called }) => {
      expect(new Set(called.map((call) => call.split(' ')[0]))).toEqual(new Set(['first', 'second']));
    },
  ],
  [
    /^the hook order should be maintained$/,
    ({ called }) => {
      const there = ['first before', 'second before'];
      const back = ['second after', 'first after', 'second finally', 'first finally'];
      expect(called).toEqual([...there, ...back]);
    },
  ],
  [
    /^the "(\w+)" hook should have been executed$/,
    ({ calls }, [stage = '']) => {
      expect([...calls.keys()]).toContain(stage);
    },
  ],
  [
    /^the "(.*)" hooks should be called with evaluation details$/,
    ({ calls }, [stages = ''], table) => {
      for (const stage of stages.split(', ')) {
        for (const [type = '', key = '', text = ''] of table.slice(1)) {
          const name = key.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
          const actual = (calls.get(stage) as Readonly<Record<string, unknown>> | undefined)?.[name];
          expect(actual).toBe(text === 'null' ? undefined : jsonOf(type, text));
        }
      }
    },
  ],

  // Levels of context.
  [
    /^A context entry with key "(.*)" and value "(.*)" is added to the "(.*)" level$/,
    ({ contexts }, [key = '', value = '', level]) => {
      contexts[level as Level] = { ...contexts[level as Level], [key]: value };
    },
  ],
  [
    /^A table with levels of increasing precedence$/,
    (world, _, table) => {
      world.levels = table.map(([level]) => level as Level);
    },
  ],
  [
    /^Context entries for each level from API level down to the "(.*)" level, with key "(.*)" and value "(.*)"$/,
    ({ contexts, levels }, [last, key = '', value]) => {
      const down = levels.slice(0, levels.indexOf(last as Level) + 1);
      expect(down[0]).toBe('API');
      // Each has a value of its own: the last one says which has prevailed.
      for (const level of down) contexts[level] = { [key]: level };
      expect(down.at(-1)).toBe(value);
    },
  ],
  [/^Some flag was evaluated$/, (world) => world.merge()],
  [
    /^The merged context contains an entry with key "(.*)" and value "(.*)"$/,
    ({ merged }, [key = '', value]) => {
      expect(merged?.[key]).toBe(value);
    },
  ],
];

async function asked(world: World, type: string, key: string, fallback: JsonValue): Promise<void> {
  world.ask(typeOf(type), key, fallback);
  await world.evaluate();
}

/** Does what a step says. */
export async function take(world: World, { text, table }: Step): Promise<void> {
  const found = MEANINGS.filter(([pattern]) => pattern.test(text));
  if (found.length !== 1) throw new Error(`${found.length} meanings are known of the step: ${text}`);
  const [[pattern, meaning]] = found as [readonly [RegExp, Meaning]];
  await meaning(world, pattern.exec(text)?.slice(1) ?? [], table);
}
