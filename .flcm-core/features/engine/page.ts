/** What decides in pages: the small engine. */

import type { PageEngine } from '@flcm/flags-web';
import { loadPageEngine } from '@flcm/flags-web/page';

export const loadPage: (trapped: (error: unknown) => void) => Promise<PageEngine> = loadPageEngine;
