// Drives `bia dev` in headless Chromium: a whole sign-in (page, button, stand-in, person, session), and then a test login by
// the link of `bia mapper try`, with its list of checks.
//
//   node tests/dev-sign-in.mjs <path of bia> [folder for screenshots]
//
// Chromium is spoken to over two pipes (its DevTools protocol), so nothing but Node 20 and Chromium is needed.
// Exit code 0: the person picked is shown as signed in, and the test login says that it works.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from './proxies/processes.mjs';

const [program, shots] = process.argv.slice(2);
if (!program) throw new Error('usage: node tests/dev-sign-in.mjs <path of bia> [folder for screenshots]');
const PERSON = 'Alice Adams';
const EMAIL = 'alice@contoso.example';
const PATIENCE = 20_000;

const work = mkdtempSync(path.join(tmpdir(), 'bia-dev-'));
const started = [];
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Starts a program in the scratch folder; it is ended by its own id when this script ends. */
function start(command, args, stdio) {
  const child = spawn(command, args, { cwd: work, stdio, env: { PATH: process.env.PATH, HOME: work } });
  child.failed = new Promise((_, fail) => child.once('error', fail));
  child.failed.catch(() => {});
  started.push(child);
  return child;
}

async function until(what, look) {
  const give_up = Date.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > give_up) throw new Error(`waited in vain for ${what}`);
    await sleep(25);
  }
}

async function startBia(adminPort) {
  const began = performance.now();
  const child = start(path.resolve(program), ['dev', '--public-port', '0', '--admin-port', String(adminPort), '--entra-port', '0'], ['ignore', 'pipe', 'pipe']);
  let text = '';
  child.stdout.on('data', (data) => (text += data));
  child.stderr.on('data', (data) => (text += data));
  const url = await until('the URL of bia dev', () => {
    if (child.exitCode !== null) throw new Error(`bia dev ended with ${child.exitCode}: ${text}`);
    return text.match(/^ {4}(http:\/\/127\.0\.0\.1:\d+\/\S*)$/m)?.[1];
  });
  console.log(`bia dev was ready after ${Math.round(performance.now() - began)} ms at ${url}`);
  return url;
}

function chromium() {
  const name = ['chromium', 'chromium-browser', 'google-chrome'].find((name) =>
    (process.env.PATH ?? '').split(':').some((folder) => existsSync(path.join(folder, name))));
  if (!name) throw new Error('Chromium is not installed');
  const child = start(name, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', `--user-data-dir=${path.join(work, 'profile')}`,
    '--window-size=1100,900', '--remote-debugging-pipe', 'about:blank'], ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']);
  let next = 1, buffer = '';
  const waiting = new Map();
  child.stdio[4].on('data', (data) => {
    const messages = (buffer + data).split('\0');
    buffer = messages.pop();
    for (const message of messages.map((text) => JSON.parse(text))) {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (call) message.error ? call.fail(new Error(message.error.message)) : call.done(message.result);
    }
  });
  return (method, params = {}, sessionId) => new Promise((done, fail) => {
    const id = next++;
    waiting.set(id, { done, fail });
    child.failed.catch(fail);
    child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  });
}

async function openPage(url) {
  const call = chromium();
  const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
  const send = (method, params) => call(method, params, sessionId);
  await send('Page.enable');
  await send('Page.navigate', { url });
  const run = async (expression) => {
    // While a page changes there is nobody to ask; the next look will find the new one.
    const answer = await send('Runtime.evaluate', { expression, returnByValue: true }).catch(() => ({}));
    return answer.result?.value;
  };
  return {
    go: (url) => send('Page.navigate', { url }),
    text: () => run('document.readyState === "complete" ? document.body.innerText : ""'),
    address: () => run('location.href'),
    // Clicks the first link or button with that text, and says whether there was one.
    click: (words) => run(`(() => { const all = [...document.querySelectorAll('a, button, input[type=submit]')];
      const found = all.find((one) => (one.innerText || one.value || '').includes(${JSON.stringify(words)}));
      if (document.readyState === 'complete') found?.click(); return Boolean(found) && document.readyState === 'complete'; })()`),
    async shot(name) {
      if (!shots) return;
      mkdirSync(shots, { recursive: true });
      const { data } = await send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
      writeFileSync(path.join(shots, `${name}.png`), Buffer.from(data, 'base64'));
    },
  };
}

/** The administrator's link: one button, the provider, a list of checks; and the same page without names. */
async function testLogin(page, adminPort) {
  const endpoint = `http://127.0.0.1:${adminPort}`;
  const link = execFileSync(path.resolve(program), ['mapper', 'try', 'microsoft', '--endpoint', endpoint],
    { cwd: work, env: {}, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  await page.go(link);
  await until('the page of the link', async () => (await page.address()) === link && (await page.text())?.includes('Microsoft'));
  await page.shot('4-test-login');
  await until('the button', () => page.click('Microsoft'));
  await until('the page of the stand-in', async () => (await page.text())?.includes(PERSON));
  await until('the person', () => page.click(PERSON));
  await until('the list of checks', async () => {
    const text = await page.text();
    return text?.includes('It works') && text.includes('nothing was written') && text.includes(EMAIL) && text.includes('What would change');
  });
  await page.shot('5-it-works');
  await until('the link that hides names', () => page.click('Hide names'));
  await until('the page without names', async () => {
    const text = await page.text();
    return text?.includes('It works') && !text.includes(EMAIL) && !text.includes(PERSON);
  });
  await page.shot('6-without-names');
  console.log('the test login said that it works, with names and without');
}

async function main() {
  const [adminPort] = await freePorts(1);
  const url = await startBia(adminPort);
  const page = await openPage(new URL('/self-service/login/browser', url).href);
  await until('the login page', async () => (await page.text())?.includes('Microsoft'));
  await page.shot('1-login');
  await until('the button', () => page.click('Microsoft'));
  await until('the page of the stand-in', async () => (await page.text())?.includes(PERSON));
  await page.shot('2-pick-a-person');
  await until('the person', () => page.click(PERSON));
  await until(`a page that shows ${EMAIL}`, async () => {
    const [address, text] = [await page.address(), await page.text()];
    return address?.startsWith(new URL('/', url).href) && text?.includes(EMAIL);
  });
  await page.shot('3-signed-in');
  console.log(`signed in as ${PERSON}; the page is at ${await page.address()}`);
  await testLogin(page, adminPort);
}

try {
  await main();
} finally {
  for (const child of started) child.kill('SIGTERM');
  await Promise.all(started.map((child) => child.exitCode !== null || child.signalCode !== null
    || Promise.race([new Promise((done) => child.once('exit', done)), sleep(5000).then(() => child.kill('SIGKILL'))])));
  rmSync(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
