// Screenshots of the dashboard over the development server: `node dashboard/dev/shot.js OUT PATH… [--flags N] [--dark]
// [--narrow] [--role ROLE] [--wait MS] [--do SCRIPT]`. For looking at pages while they are made.

import { parseArgs } from 'node:util';
import { launch } from '../../tests/kit/browser.js';
import { startDev } from './server.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    flags: { type: 'string', default: '16' },
    dark: { type: 'boolean' },
    narrow: { type: 'boolean' },
    role: { type: 'string', default: 'publisher' },
    wait: { type: 'string', default: '700' },
    height: { type: 'string', default: '960' },
    full: { type: 'boolean' },
    root: { type: 'string' },
    do: { type: 'string' },
    mode: { type: 'string' },
  },
});
const [out, ...paths] = positionals;
const server = await startDev({
  flags: Number(values.flags),
  ...(values.root ? { root: values.root } : {}),
  ...(values.mode ? { mode: values.mode } : {}),
});
const browser = await launch();
const page = await browser.newPage({
  viewport: { width: values.narrow ? 390 : 1440, height: Number(values.height) },
  colorScheme: values.dark ? 'dark' : 'light',
});
page.on('console', (message) => console.log(`${message.type()}: ${message.text()}`));
page.on('pageerror', (error) => console.log(String(error.stack)));
if (values.role !== 'none') {
  await page.request.post(`${server.url}/session`, {
    data: { key: `flcm_${values.role}` },
    headers: { 'content-type': 'application/json' },
  });
}
for (const [at, path] of paths.entries()) {
  await page.goto(`${server.url}/ui${path}`);
  await page.waitForTimeout(Number(values.wait));
  if (values.do) {
    await new Function('page', 'server', `return (async () => { ${values.do} })()`)(page, server);
    await page.waitForTimeout(Number(values.wait));
  }
  await page.screenshot({
    path: paths.length === 1 ? out : out.replace('.png', `-${at}.png`),
    fullPage: values.full ?? false,
  });
}
await browser.close();
await server.close();
