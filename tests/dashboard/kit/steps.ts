/** What somebody does in the dashboard, step by step: a screenshot of each, and how long it took. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ROOT } from '../../server/kit/serve.ts';

const FOLDER = join(ROOT, 'target/walk');

export class Steps {
  readonly #name: string;
  readonly #page: Page;
  readonly #rows: string[][] = [];

  constructor(name: string, page: Page) {
    mkdirSync(FOLDER, { recursive: true });
    this.#name = name;
    this.#page = page;
  }

  /** Does a step; `onHosts` is when it was so on all hosts. */
  async step(what: string, act: () => Promise<unknown>): Promise<void> {
    const file = `${this.#name}-${this.#rows.length + 1}.png`;
    const begun = Date.now();
    const look = () => this.#page.screenshot({ path: join(FOLDER, file) });
    const onHosts = await act().catch(async (error) => {
      await look();
      throw error;
    });
    const took = Date.now() - begun;
    await look();
    this.#rows.push([what, `${took} ms`, typeof onHosts === 'number' ? `${onHosts} ms` : '', file]);
  }

  print(): void {
    const rows = [
      ['step', 'in the page', 'on both hosts', 'screenshot'],
      ['---', '---:', '---:', '---'],
      ...this.#rows,
    ];
    console.log(rows.map((row) => `| ${row.join(' | ')} |`).join('\n'));
  }
}
