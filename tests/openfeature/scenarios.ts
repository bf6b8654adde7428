import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AstBuilder, compile, GherkinClassicTokenMatcher, Parser } from '@cucumber/gherkin';
import { IdGenerator } from '@cucumber/messages';

/** The specification's scenarios are not part of this repository: this says where they are. */
const VARIABLE = 'FLCM_OPENFEATURE_SCENARIOS';

/** Where the scenarios are looked for. */
export const folder: string =
  process.env[VARIABLE] ?? join(import.meta.dirname, '../../../shared/conformance/openfeature');

/** A step, with the rows below it. */
export interface Step {
  readonly text: string;
  readonly table: readonly (readonly string[])[];
}

/** A scenario, its background and its examples filled in. */
export interface Scenario {
  readonly title: string;
  readonly steps: readonly Step[];
}

/** All scenarios, a file after the other; `undefined` where there are none to be found. */
export function scenarios(): readonly Scenario[] | undefined {
  if (existsSync(folder))
    return readdirSync(folder)
      .filter((file) => file.endsWith('.feature'))
      .flatMap(scenariosOf);
  if (process.env[VARIABLE] !== undefined) throw new Error(`${VARIABLE} names \`${folder}\`, which is not there`);
  console.warn(
    `OPENFEATURE'S SCENARIOS ARE ABSENT: none of them runs. They were looked for in \`${folder}\`; ${VARIABLE} names another folder`,
  );
  return undefined;
}

function scenariosOf(file: string): Scenario[] {
  const newId = IdGenerator.incrementing();
  const text = readFileSync(join(folder, file), 'utf8');
  const document = new Parser(new AstBuilder(newId), new GherkinClassicTokenMatcher()).parse(text);
  return compile(document, file, newId).map(({ name, location, steps }) => ({
    title: `${file}:${location?.line} ${name}`,
    steps: steps.map(({ text, argument }) => ({
      text,
      table: argument?.dataTable?.rows.map(({ cells }) => cells.map(({ value }) => value)) ?? [],
    })),
  }));
}
