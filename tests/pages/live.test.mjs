// Somebody at the pages of a running `bia dev`: by keyboard alone, without scripts, in their own language.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { clumsiness, DESKTOP, launch, PHONE, violations } from './browser.mjs';

const { BIA_URL, PICTURES } = process.env;
let chrome;

before(async () => {
  chrome = await launch();
});
after(() => chrome?.close());

/** A window of somebody with no cookies, that notes what a page loads from elsewhere and what its policy stops. */
async function open(options = {}) {
  const context = await chrome.newContext({ ...DESKTOP, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('request', (request) => {
    // A picture or style that a page of Bia's loads must be Bia's own. Where the browser goes is another matter.
    const from = request.frame().url();
    const url = request.url();
    if (from.startsWith(BIA_URL) && !request.isNavigationRequest() && !url.startsWith(BIA_URL) && !url.startsWith('data:')) {
      faults.push(`${from} loads ${url}`);
    }
  });
  return { context, page, faults };
}

let shots = 0;
/** Holds a page against axe-core and keeps its picture. */
async function inspect({ page, faults }, name) {
  shots += 1;
  await page.screenshot({ path: `${PICTURES}/live-${String(shots).padStart(2, '0')}-${name}.png`, fullPage: true });
  assert.deepEqual([...await violations(page), ...await clumsiness(page), ...faults], [], name);
}

/** Presses Tab until what has the focus says so, and holds that the focus can be seen. */
async function tabTo(page, words) {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    const focus = page.locator(':focus');
    if (await focus.count() === 0) continue;
    const text = `${await focus.innerText()} ${await focus.getAttribute('name') ?? ''}`;
    if (!text.includes(words)) continue;
    if (page.url().startsWith(BIA_URL)) {
      const width = await focus.evaluate((one) => Number.parseFloat(getComputedStyle(one).outlineWidth));
      assert.ok(width >= 2, `the focus on "${words}" can't be seen`);
    }
    return;
  }
  assert.fail(`Tab never came to "${words}" on ${page.url()}`);
}

const arrives = (page, path) => page.waitForURL((url) => url.href.startsWith(BIA_URL) && url.pathname === path);

async function signIn(page, person) {
  await page.goto(`${BIA_URL}/ui/login`);
  await tabTo(page, 'Microsoft');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => !url.href.startsWith(BIA_URL));
  await tabTo(page, person);
  await page.keyboard.press('Enter');
}

test('signing in and out takes Tab and Enter alone, and no script', async () => {
  const { context, page, faults } = await open({ javaScriptEnabled: false });
  await signIn(page, 'Alice Adams');
  await arrives(page, '/ui/welcome');
  assert.match(await page.innerText('main'), /alice@contoso\.example/);
  await tabTo(page, 'Sign out');
  await page.keyboard.press('Enter');
  await arrives(page, '/ui/logged_out');
  assert.deepEqual(faults, []);
  await context.close();
});

test('what the provider left out is asked for, and Enter goes on', async () => {
  const window = await open();
  const { context, page } = window;
  await signIn(page, 'Norman Noemail');
  await arrives(page, '/ui/registration');
  await inspect(window, 'continuation');
  await tabTo(page, 'traits.email');
  await page.keyboard.type('norman@contoso.example');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => !url.href.startsWith(BIA_URL) || url.pathname === '/ui/welcome');
  if (!page.url().startsWith(BIA_URL)) {
    // The continuation asks the provider once more who it is.
    await tabTo(page, 'Norman Noemail');
    await page.keyboard.press('Enter');
  }
  await arrives(page, '/ui/welcome');
  assert.match(await page.innerText('main'), /norman@contoso\.example/);
  await context.close();
});

test('every page that a person comes by has no fault, on desktop and phone, light and dark', async () => {
  for (const [size, options] of Object.entries({
    'desktop-light': { ...DESKTOP, colorScheme: 'light' },
    'phone-dark': { ...PHONE, colorScheme: 'dark', locale: 'de-AT' },
  })) {
    const window = await open(options);
    const { context, page } = window;
    const german = options.locale !== undefined;
    for (const [path, name] of [['/ui/login', 'login'], ['/ui/registration', 'registration'], ['/ui/welcome', 'welcome-out']]) {
      await page.goto(BIA_URL + path);
      assert.equal(await page.getAttribute('html', 'lang'), german ? 'de' : 'en');
      await inspect(window, `${name}-${size}`);
    }
    await signIn(page, 'Alice Adams');
    await arrives(page, '/ui/welcome');
    await inspect(window, `welcome-${size}`);
    await page.goto(`${BIA_URL}/ui/settings`);
    await inspect(window, `settings-${size}`);
    await page.goto(`${BIA_URL}/self-service/login/browser?return_to=https://evil.example`);
    await arrives(page, '/ui/error');
    await inspect(window, `error-${size}`);
    await page.goto(`${BIA_URL}/self-service/methods/oidc/logout/microsoft?sid=unknown`);
    await inspect(window, `front-channel-${size}`);
    await page.goto(`${BIA_URL}/self-service/methods/oidc/admin-consent/microsoft?admin_consent=True`);
    await inspect(window, `consent-${size}`);
    await page.goto(`${BIA_URL}/ui/welcome`);
    await page.getByRole('link', { name: german ? 'Abmelden' : 'Sign out' }).click();
    await arrives(page, '/ui/logged_out');
    await inspect(window, `logged-out-${size}`);
    await context.close();
  }
});

test('signing out everywhere else ends the other sessions and keeps this one', async () => {
  const there = await open({ userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile Safari/604.1' });
  const here = await open();
  for (const { page } of [there, here]) {
    await signIn(page, 'Alice Adams');
    await arrives(page, '/ui/welcome');
  }
  await here.page.goto(`${BIA_URL}/ui/settings`);
  assert.match(await here.page.innerText('main'), /Safari on iPhone[\s\S]*Signed in just now · Microsoft/);
  await inspect(here, 'settings-sessions');
  await tabTo(here.page, 'Sign out everywhere else');
  await here.page.keyboard.press('Enter');
  await here.page.getByText('You are signed in nowhere else.').waitFor();
  await there.page.goto(`${BIA_URL}/ui/welcome`);
  assert.match(await there.page.innerText('main'), /You are not signed in/);
  await here.page.goto(`${BIA_URL}/ui/welcome`);
  assert.match(await here.page.innerText('main'), /You are signed in/);
  await there.context.close();
  await here.context.close();
});

test('a link of another language changes the page to it and keeps the flow', async () => {
  const { context, page } = await open();
  await page.goto(`${BIA_URL}/ui/login`);
  const flow = new URL(page.url()).searchParams.get('flow');
  await page.getByRole('link', { name: 'Deutsch' }).click();
  await page.getByRole('heading', { name: 'Anmelden' }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get('flow'), flow);
  await context.close();
});
