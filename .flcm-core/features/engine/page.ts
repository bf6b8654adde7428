/** What decides in pages: the small engine, and the full one for what it has no room for. */

import type { Engine, PageEngine } from '@flcm/flags-web';
import { loadPageEngine } from '@flcm/flags-web/page';

export const loadPage: (trapped: (error: unknown) => void) => Promise<PageEngine> = loadPageEngine;
export const loadFull = async (): Promise<Engine> => (await import('@flcm/flags-web')).createEngine();
