import type { Decision, Door, HotDoor } from '../contract.d.ts';
import { type Asker, Gatherer } from './attributes.ts';
import { parseDecision } from './decision.ts';
import { engineError } from './error.ts';
import type { Frame } from './frame.ts';

/** How many contexts the engine keeps for a snapshot. */
const PLACES = 32;

/** Where the engine keeps a bound context, and answers that it gave. */
export class Place {
  readonly index: number;
  /** The context that is bound here. */
  owner: object | undefined;
  /** Per flag the mark of a context and its outcome. One table serves all owners: a context allocates none. */
  readonly answers: Int32Array;

  constructor(index: number, flagCount: number) {
    this.index = index;
    this.answers = new Int32Array(flagCount * 2);
  }
}

/** What deciding a flag needs to know of it. */
export interface Needs {
  readonly names: readonly string[];
  readonly ids: readonly number[];
  /** Whether time alone may change the decision. */
  readonly timed: boolean;
}

const NOTHING: Needs = { names: [], ids: [], timed: true };

/** Lets snapshots go that nobody holds any more, whose `free` was forgotten. */
const forgotten = new FinalizationRegistry<() => void>((unload) => unload());

/** A snapshot that a binding has loaded, shared by what is visible of it: the snapshot and its contexts. */
export class Loaded {
  readonly door: Door;
  readonly hot: HotDoor;
  readonly frame: Frame;
  readonly flagCount: number;
  readonly attributes: readonly string[];
  readonly attributeIds: ReadonlyMap<string, number>;
  readonly gatherer: Gatherer = new Gatherer();
  readonly #handle: number;
  #freed = false;
  #mark = 0;
  #nextPlace = 0;
  readonly #places: Place[] = [];
  readonly #flagIds = new Map<string, number>();
  readonly #needs: (Needs | undefined)[] = [];
  readonly #decisions = new Map<number, Map<number, Map<number, Decision>>>();

  constructor(door: Door, hot: HotDoor, frame: Frame, handle: number) {
    this.door = door;
    this.hot = hot;
    this.frame = frame;
    this.#handle = handle;
    this.flagCount = door.flagCount(handle) ?? 0;
    this.attributes = Object.freeze(attributesOf(door, handle));
    this.attributeIds = new Map(this.attributes.map((name, id) => [name, id]));
    forgotten.register(this, () => door.unload(handle), this);
  }

  /** The binding's handle. */
  get handle(): number {
    if (this.#freed) throw engineError('FREED', 'the snapshot was freed: load it again, or free it later');
    return this.#handle;
  }

  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.forget();
    forgotten.unregister(this);
    this.door.unload(this.#handle);
  }

  /** Forgets what was answered, and which contexts are bound. */
  forget(): void {
    for (const place of this.#places) {
      place.owner = undefined;
      place.answers.fill(0);
    }
  }

  /** The id of a flag, or -1. Keys that are not there are not remembered: there is no end to them. */
  flag(key: string): number {
    const known = this.#flagIds.get(key);
    if (known !== undefined) return known;
    if (typeof key !== 'string')
      throw engineError('INVALID_ARGUMENT', `a flag key must be a string, not a ${typeof key}`);
    this.frame.writeKey(this.handle, key);
    const flag = this.hot.flag();
    if (flag >= 0) this.#flagIds.set(key, flag);
    return flag;
  }

  /** Binds a context to a place: the one that was used longest ago. */
  bind(owner: object, asker: Asker): Place {
    const index = this.#nextPlace;
    const { handle, frame } = this;
    const place = this.#places[index] ?? new Place(index, this.flagCount);
    this.#places[index] = place;
    place.owner = undefined;
    frame.writeContext(asker);
    frame.ask(handle, index, 0, 0);
    this.check(this.hot.bind());
    frame.refresh();
    this.#nextPlace = (index + 1) % PLACES;
    place.owner = owner;
    return place;
  }

  /** The mark of a context. None is given twice, unless all answers were forgotten in between. */
  newMark(): number {
    if (this.#mark === 0x7fffffff) {
      this.forget();
      this.#mark = 0;
    }
    return ++this.#mark;
  }

  needs(flag: number): Needs {
    if ((flag | 0) !== flag) {
      throw engineError('INVALID_ARGUMENT', `a flag id must be a number from \`flag\`, not ${String(flag)}`);
    }
    return this.#needs[flag] ?? this.#learn(flag);
  }

  #learn(flag: number): Needs {
    if (flag < 0) return NOTHING;
    const read = this.door.reads(this.handle, flag);
    this.frame.refresh();
    if (!read) return NOTHING;
    const ids = [...read];
    const timed = ids.pop() === 1;
    const needs = { names: ids.map((id) => this.attributes[id] as string), ids, timed };
    this.#needs[flag] = needs;
    return needs;
  }

  /** A decision in words. There are few of them for a flag, so each is made once. */
  decision(flag: number, rule: number, outcome: number): Decision {
    const byOutcome = entry(this.#decisions, flag, () => new Map());
    const byRule = entry(byOutcome, outcome, () => new Map());
    return entry(byRule, rule, () => this.#describe(flag, rule, outcome));
  }

  #describe(flag: number, rule: number, outcome: number): Decision {
    const words = this.door.words(this.handle, flag, rule, outcome);
    this.frame.refresh();
    return parseDecision(words ?? '', outcome);
  }

  /** Passes an answer of a hot call on, unless it is an error. */
  check(answer: number): number {
    if (answer >= 0) return answer;
    if (answer === -1) throw engineError('FREED', 'the snapshot was freed: load it again, or free it later');
    throw engineError('INVALID_ARGUMENT', 'the engine cannot read what was asked');
  }
}

/** What a map holds, made when it holds nothing. */
function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function attributesOf(door: Door, handle: number): string[] {
  const names: string[] = [];
  for (;;) {
    const name = door.attribute(handle, names.length);
    if (name == null) return names;
    names.push(name);
  }
}
