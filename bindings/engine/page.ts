/** The engine of pages: a small module that decides, and nothing else. See `bindings/page`. */

import type {
  Decision,
  FlagId,
  JsonValue,
  PackedDecision,
  PageContext,
  PageEngine,
  PageSnapshot,
} from '../contract.d.ts';
import { isOn, parseJson } from './decision.ts';
import { engineError } from './error.ts';
import { CONTEXT, contextBytes, encoder, tooLarge } from './page-context.ts';

/** Where things lie in an instance: see `places` of the module. */
type Places = [
  snapshot: number,
  trips: number,
  outcomes: number,
  text: number,
  contexts: number,
  contextSize: number,
  words: number,
  wordsLength: number,
];

/** What the module exports. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  places(): number;
  load(length: number): number;
  find(length: number, isAttribute: number): number;
  bind(slot: number, length: number): void;
  decide(slot: number, flag: number, now: number): void;
  words(flag: number): void;
}

/** The most bytes of a snapshot: see `bindings/page`. */
const LARGEST = 1 << 20;
const CONTEXTS = 4;

/** The most names of attributes that are remembered. */
const NAMES = 1000;

/** The id of what is not there; -1 is that of the cohorts. */
const ABSENT = -2;

/** Every flag. */
const ALL = -1;

/** The bit of a decision that serves something: without it there was an error. */
const SERVES = 1 << 25;

/** Where the words of arms begin, behind those of reasons. */
const ARMS = 11;

/** Where the word of all errors is. */
const ERROR = 14;

const decoder = new TextDecoder();

/**
 * An engine in a module.
 *
 * @param module `@flcm/flags-web/flags-page.wasm`, compiled.
 * @param trapped Called when an instance of the module has failed, and was replaced.
 */
export function createPageEngine(module: WebAssembly.Module, trapped: (error: unknown) => void = () => {}): PageEngine {
  return { load: (bytes) => loadedPage(module, trapped, bytes.slice()) };
}

/** A snapshot in an instance of the module. That allocates nothing, so views of its memory stay. */
function loadedPage(module: WebAssembly.Module, trapped: (error: unknown) => void, snapshot: Uint8Array): PageSnapshot {
  const flags = new Map<string, number>();
  const attributes = new Map<string, number>();
  let calls!: Exports;
  let bytes!: Uint8Array;
  let numbers!: Uint32Array;
  let view!: DataView;
  /** Where the answer of a call lies. */
  let answer = 0;
  let [snapshotAt, tripsAt, outcomesAt, textAt, contextsAt, contextSize, wordsAt, wordsLength] =
    [] as unknown as Places;
  /** The contexts that are bound, by slot. */
  let bound: Uint8Array[] = [];
  let next = 0;

  const number = (index: number): number => view.getUint32(answer + 4 * index, true);
  const text = (address: number, length: number): string => decoder.decode(bytes.subarray(address, address + length));
  /** A text whose place is a part of the answer. */
  const textOf = (index: number): string => text(number(index), number(index + 1));

  const start = (): void => {
    calls = new WebAssembly.Instance(module).exports as unknown as Exports;
    const { buffer } = calls.memory;
    bytes = new Uint8Array(buffer);
    numbers = new Uint32Array(buffer);
    view = new DataView(buffer);
    answer = calls.places();
    const places = numbers.subarray(answer / 4) as unknown as Places;
    [snapshotAt, tripsAt, outcomesAt, textAt, contextsAt, contextSize, wordsAt, wordsLength] = places;
    bound = [];
    bytes.set(snapshot, snapshotAt);
    const failed = calls.load(snapshot.length);
    if (failed === 1) throw tooLarge('snapshot');
    if (failed) throw engineError('INVALID_SNAPSHOT', textOf(0));
  };

  if (snapshot.length > LARGEST) throw tooLarge('snapshot');
  start();
  const flagCount = number(0);
  const digest = view
    .getBigUint64(answer + 4, true)
    .toString(16)
    .padStart(16, '0');
  const revision = view.getBigUint64(answer + 12, true);
  const words = text(wordsAt, wordsLength).split('\n');

  /** Calls an instance. One that fails is of no use any more: another one is asked, once. */
  const attempt = <T>(call: () => T): T => {
    try {
      return call();
    } catch (error) {
      const trips = numbers.subarray(tripsAt / 4, tripsAt / 4 + flagCount);
      start();
      numbers.set(trips, tripsAt / 4);
      trapped(error);
      return call();
    }
  };

  /** The id of a key or a name. */
  const find = (name: string, isAttribute: number): number =>
    attempt(() => {
      const { read, written } = encoder.encodeInto(name, bytes.subarray(textAt, textAt + CONTEXT));
      const id = read < name.length ? -1 : calls.find(written, isAttribute) | 0;
      return id < 0 ? ABSENT : id;
    });

  /** What was found before. There is no end to names that are not there. */
  const idOf = (ids: Map<string, number>, name: string, isAttribute: number): number => {
    let id = ids.get(name);
    if (id === undefined) {
      id = find(name, isAttribute);
      if (id >= 0 || (isAttribute && ids.size < NAMES)) ids.set(name, id);
    }
    return id;
  };
  const flag = (key: string): FlagId => idOf(flags, key, 0);

  /** A flag that is not there is decided as the first beyond the others: the module says what that gives. */
  const known = (id: FlagId): number => (id >= 0 && id < flagCount ? id : flagCount);

  /** The value that the words of a decision have: see `Words` of the core. */
  const value = (): JsonValue | undefined => {
    const kind = number(8);
    if (kind > 2) return kind > 3 ? parseJson(textOf(4)) : textOf(4);
    const given = view.getFloat64(answer + 24, true);
    return kind ? (kind > 1 ? given : given === 1) : undefined;
  };

  const contextOf = (context: Uint8Array): PageContext => {
    /** The one that it had last. */
    let slot = 0;
    /** Decides a flag, or all. The context is bound if its slot was taken. */
    const decide = (id: number, now: number): PackedDecision => {
      if (bound[slot] !== context) {
        slot = next;
        next = (slot + 1) % CONTEXTS;
        bytes.set(context, contextsAt + slot * contextSize);
        calls.bind(slot, context.length);
        bound[slot] = context;
      }
      calls.decide(slot, id, now);
      return numbers[outcomesAt / 4 + 2 * id + 1] as number;
    };
    const outcome = (id: FlagId, now: number): PackedDecision => attempt(() => decide(known(id), now));
    return {
      decide: outcome,
      isEnabled: (key, now) => isOn(outcome(flag(key), now)),
      decision: (key, now): Decision => {
        const id = known(flag(key));
        return attempt(() => {
          const packed = decide(id, now);
          calls.words(id);
          const word = words[Math.min((packed >>> 16) & 255, ARMS - 1)];
          const served = (packed & SERVES) !== 0;
          return Object.freeze({
            enabled: isOn(packed),
            value: value(),
            variant: textOf(0) || undefined,
            reason: (served ? word : words[ERROR]) as string,
            errorCode: served ? undefined : word,
            rule: textOf(2) || undefined,
            arm: words[ARMS + ((packed >>> 27) & 3)] as string,
          });
        });
      },
      decideAll: (now) =>
        attempt(() => {
          decide(ALL, now);
          return numbers.slice(outcomesAt / 4, outcomesAt / 4 + 2 * flagCount);
        }),
    };
  };

  return {
    revision,
    digest,
    flagCount,
    flag,
    context: (key, given) => contextOf(contextBytes(key, given ?? {}, (name) => idOf(attributes, name, 1))),
    setTrip: (key, bits) => {
      const id = flag(key);
      if (id >= 0) numbers[tripsAt / 4 + id] = bits;
      return id >= 0;
    },
  };
}
