/** The dashboard in Chromium over its development server, whose flags can be put into any state. */

import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Development, type DevelopmentOptions, startDev } from '../../../dashboard/dev/server.js';
import { launch } from '../../kit/browser.js';

export interface Look {
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
}

export type Role = 'viewer' | 'operator' | 'publisher' | 'admin';

/** A page, what it reported, and the server behind it. */
export interface Open {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of scripts, and what the page's policy has refused. */
  readonly faults: string[];
}

export interface Kit {
  readonly server: () => Development;
  /** A browser of somebody who has signed in. */
  readonly open: (path: string, role?: Role | null, look?: Look) => Promise<Open>;
}

/** What the browser says of an answer that is an error is no fault of the page. */
const isAnswer = (text: string): boolean => text.startsWith('Failed to load resource');

function watch(page: Page, faults: string[]): void {
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !isAnswer(message.text())) faults.push(message.text());
  });
}

/** A browser for a file of tests, and a server for each test. */
export function dashboard(options: DevelopmentOptions = {}): Kit {
  let browser: Browser;
  let server: Development | undefined;
  const contexts: BrowserContext[] = [];
  beforeAll(async () => {
    browser = await launch();
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    await server?.close();
    server = undefined;
  });
  afterAll(() => browser.close());

  const start = async () => {
    server ??= await startDev(options);
    return server;
  };

  const open: Kit['open'] = async (path, role = 'publisher', { scheme = 'light', width = 1440, height = 960 } = {}) => {
    const { url } = await start();
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, baseURL: url });
    contexts.push(context);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    if (role) await context.request.post('/session', { data: { key: `flcm_${role}` } });
    const faults: string[] = [];
    const page = await context.newPage();
    watch(page, faults);
    await page.goto(`/ui${path}`);
    return { page, context, faults };
  };
  return {
    open,
    server: () => {
      if (!server) throw new Error('nothing is open yet');
      return server;
    },
  };
}
