import { readFileSync } from 'node:fs';
import type * as runtime from '@flcm/features';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { launch } from '../../kit/browser.js';
import type { FlagServer } from '../../kit/server.ts';

/** What a page of these tests has at hand. */
export interface OnPage {
  readonly flcm: typeof runtime;
  /** What the test puts there. */
  features: runtime.FeatureFlagManager;
  errors: string[];
}

const root = new URL('../../../', import.meta.url);

/** Serves a page that has loaded the runtime, bundled as an application would do it. */
export async function servePage(server: FlagServer): Promise<void> {
  const entry = `import * as flcm from '@flcm/features'; Object.assign(globalThis, { flcm, errors: [] });`;
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: root.pathname },
    alias: { '@flcm/features': new URL('.flcm-core/features/index.ts', root).pathname },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';
  server.pages.set('/', ['text/html', html]);
  server.pages.set('/elsewhere', ['text/html', '<!doctype html><link rel="icon" href="data:,">']);
  server.pages.set('/page.js', ['text/javascript', outputFiles[0]?.contents ?? '']);
  for (const name of ['flags.wasm', 'flags-compact.wasm'])
    server.pages.set(`/${name}`, ['application/wasm', readFileSync(new URL(`pkg/web/dist/${name}`, root))]);
}

/** A browser, started when it is first needed. */
export class Chromium {
  #browser: Promise<Browser> | undefined;

  /** A page of its own, with its own storage, that has loaded the runtime. */
  async open(server: FlagServer): Promise<Page> {
    this.#browser ??= launch();
    const context = await (await this.#browser).newContext();
    const page = await context.newPage();
    await load(page, server);
    return page;
  }

  async close(): Promise<void> {
    await (await this.#browser)?.close();
  }
}

/** Loads the page, or loads it anew. */
export async function load(page: Page, server: FlagServer): Promise<void> {
  await page.goto(server.url);
  await page.waitForFunction('globalThis.flcm');
  // What waits for a time that chance gives, such as a stream that broke, comes soon.
  await page.evaluate(() => {
    const { random } = Math;
    Math.random = () => random() / 20;
  });
}

/** Creates features on the page, from the server that it comes from unless another one is named; errors are taken down. */
export function createOn(page: Page, options: runtime.FeaturesOptions = {}): Promise<void> {
  return page.evaluate(async (given: object) => {
    const here = globalThis as unknown as OnPage;
    const error = ({ code }: runtime.FeatureError) => here.errors.push(code);
    here.features = await here.flcm.createFeatures({ url: location.origin, ...given }, { error });
  }, options as object);
}

/** Whether a flag is on for alice. */
export function isOn(page: Page, flag: string): Promise<boolean> {
  return page.evaluate((flag) => (globalThis as unknown as OnPage).features.isEnabled(flag, 'alice'), flag);
}

/** The codes of errors so far. */
export function errorsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => (globalThis as unknown as OnPage).errors);
}
