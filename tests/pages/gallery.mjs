// Photographs every page of the gallery and holds each against axe-core.
//
//   node gallery.mjs <folder of the gallery> <folder for the pictures>
//
// One picture for each page, theme and size, and a contact sheet for each theme and size. Exit code 1: something is wrong.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { clumsiness, DESKTOP, launch, PHONE, violations } from './browser.mjs';

const [gallery, pictures] = process.argv.slice(2).map((folder) => path.resolve(folder));
if (!pictures) throw new Error('usage: node gallery.mjs <folder of the gallery> <folder for the pictures>');

const SIZES = { desktop: DESKTOP, phone: PHONE };
const chrome = await launch();
const faults = [];
let checked = 0;

async function photograph(set, size) {
  const context = await chrome.newContext(SIZES[size]);
  const page = await context.newPage();
  const outside = [];
  page.on('request', (request) => {
    if (!/^(file|data):/.test(request.url())) outside.push(request.url());
  });
  const name = `${set}-${size}`;
  const folder = path.join(pictures, name);
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(path.join(gallery, set)).filter((file) => file.endsWith('.html')).sort();
  for (const file of names) {
    await page.goto(pathToFileURL(path.join(gallery, set, file)).href);
    await page.screenshot({ path: path.join(folder, file.replace('.html', '.png')), fullPage: true });
    const wrong = [...await violations(page), ...await clumsiness(page), ...outside.splice(0).map((url) => `loads ${url}`)];
    faults.push(...wrong.map((fault) => `${name}/${file}: ${fault}`));
    checked += 1;
  }
  await context.close();
  await contactSheet(name, names.map((file) => file.replace('.html', '.png')));
}

/** All pictures of one set on one page. */
async function contactSheet(name, files) {
  const figures = files.map((file) => `<figure><figcaption>${file}</figcaption><img src="${name}/${file}"></figure>`);
  const sheet = path.join(pictures, `${name}.html`);
  writeFileSync(sheet, `<!doctype html><title>${name}</title><style>body{margin:16px;background:#777;columns:${name.endsWith('phone') ? 6 : 4};gap:16px}
figure{margin:0 0 16px;break-inside:avoid;font:13px monospace;color:#fff}img{width:100%}</style>${figures.join('')}`);
  const context = await chrome.newContext({ viewport: { width: 1900, height: 1000 } });
  const page = await context.newPage();
  await page.goto(pathToFileURL(sheet).href);
  await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
  await context.close();
}

try {
  const sets = readdirSync(gallery).filter((name) => /^(light|dark)-/.test(name)).sort();
  for (const set of sets) for (const size of Object.keys(SIZES)) await photograph(set, size);
} finally {
  await chrome.close();
}
for (const fault of faults) console.error(fault);
console.log(`gallery: ${checked} pages photographed and checked, ${faults.length} faults; pictures in ${pictures}`);
process.exitCode = faults.length > 0 || checked === 0 ? 1 : 0;
