// Chromium without any way to the network, and axe-core in every page that is asked for.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SWITCHES = [
  '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update', '--no-proxy-server', '--allow-file-access-from-files',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

export const DESKTOP = { viewport: { width: 1100, height: 860 } };
export const PHONE = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: SWITCHES });

/** What axe-core finds wrong, one line each. Best practices count, too. It runs beside the page, whatever its policy. */
export async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map((node) => node.target.join(' ')) }));
  });
  return found.map(({ id, help, where }) => `${id}: ${help} (${where.slice(0, 3).join('; ')})`);
}

/** What no rule of axe-core looks at: something sticks out to the side, or is too small for a finger. */
export async function clumsiness(page) {
  return page.evaluate(() => {
    const found = [];
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width) found.push(`wider than the screen: ${document.documentElement.scrollWidth} px`);
    for (const one of document.querySelectorAll('button, a.button, input:not([type=hidden]), select, summary, footer a')) {
      const { width: w, height: h } = one.getBoundingClientRect();
      if (one.closest('.unseen') || w === 0) continue;
      // WCAG 2.2, 2.5.8: targets of at least 24 by 24 px.
      if (w < 24 && one.type !== 'checkbox' || h < 22) found.push(`${one.outerHTML.slice(0, 80)}: ${Math.round(w)} by ${Math.round(h)} px`);
    }
    return found;
  });
}
