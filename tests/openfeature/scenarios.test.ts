import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ENGINES } from '../kit/local.ts';
import { different, unsaid } from './known.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { ServerSide, WebSide } from './sides.ts';
import { take } from './steps.ts';
import { World } from './world.ts';

/** By why: what is not answered as the scenarios have it. */
class Notes {
  readonly #titles = new Map<string, string[]>();

  add(why: string, { title }: Scenario): void {
    this.#titles.set(why, [...(this.#titles.get(why) ?? []), title]);
  }

  get count(): number {
    return [...this.#titles.values()].flat().length;
  }

  toString(): string {
    return [...this.#titles]
      .map(([why, titles]) => `  ${why}:\n${titles.map((title) => `    ${title}\n`).join('')}`)
      .join('');
  }
}

const all = scenarios();

test.skipIf(all === undefined)('the scenarios are there', () => {
  expect(all?.length).toBe(132);
});

/** How many scenarios a side cannot say, and how many it answers otherwise: no more than are known. */
const KNOWN = { server: [0, 4], web: [28, 4] } as const;

const SIDES = { server: ServerSide, web: WebSide } as const;
const sides = all === undefined ? [] : (Object.keys(SIDES) as (keyof typeof SIDES)[]);

describe.each(sides)('%s provider', (side) => {
  describe.each(ENGINES)('%s engine', (engine, options) => {
    const absent = new Notes();
    const differing = new Notes();
    let held = 0;
    let world: World;

    beforeEach(() => {
      world = new World(new SIDES[side](), options);
    });
    afterEach(() => world.close());
    afterAll(() => {
      const counts = `${held} scenarios hold, ${differing.count} are answered otherwise, ${absent.count} cannot be said`;
      console.log(`${side} provider, ${engine} engine: ${counts}\n${differing}${absent}`);
      expect([absent.count, differing.count]).toEqual(KNOWN[side]);
    });

    for (const scenario of all ?? []) {
      const why = unsaid(side, scenario);
      if (why !== undefined) absent.add(why, scenario);
      else test(scenario.title, () => follow(scenario));
    }

    async function follow(scenario: Scenario): Promise<void> {
      const reasons = new Set<string>();
      for (const step of scenario.steps) {
        const difference = different(step);
        if (difference === undefined) {
          await take(world, step);
          continue;
        }
        await expect(take(world, step)).rejects.toThrow(difference.complaint);
        reasons.add(difference.why);
      }
      for (const reason of reasons) differing.add(reason, scenario);
      if (reasons.size === 0) held++;
    }
  });
});
