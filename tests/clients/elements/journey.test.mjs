// A person's journey through a page on Ory Elements, in headless Chromium: register with a missing trait, log out,
// log in, link, unlink, change the profile, decline, clash.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from './ui-server.mjs';

const { PUBLIC_URL, UI_URL, STAND_IN_URL, CHROMIUM = '/usr/bin/chromium', SCREENSHOTS } = process.env;
const SWITCHES = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-proxy-server', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

let server;
let chrome;

before(async () => {
  await mkdir(SCREENSHOTS, { recursive: true });
  server = await serve(fileURLToPath(new URL('.', import.meta.url)), UI_URL, { sdkUrl: PUBLIC_URL });
  chrome = await chromium.launch({ executablePath: CHROMIUM, args: SWITCHES });
});

after(async () => {
  await chrome?.close();
  server?.closeAllConnections();
  server?.close();
});

/** A window of somebody with no cookies. What goes wrong inside the page fails the test that opened it. */
class Window {
  static #shots = 0;
  faults = [];

  static async open() {
    const window = new Window();
    window.context = await chrome.newContext({ viewport: { width: 900, height: 900 } });
    window.page = await window.context.newPage();
    window.page.setDefaultTimeout(15_000);
    window.page.on('pageerror', (error) => window.faults.push(`error in the page: ${error}`));
    window.page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText ?? '';
      // A navigation that another one overtakes is no fault.
      if (reason !== 'net::ERR_ABORTED') window.faults.push(`${request.method()} ${request.url()}: ${reason}`);
    });
    return window;
  }

  async visit(path) {
    await this.page.goto(`${UI_URL}${path}`);
  }

  button(name, value) {
    return this.page.locator(`button[name="${name}"][value="${value}"]`);
  }

  /** Somebody on the account page of the identity provider. */
  async pick(key) {
    await this.page.waitForURL(`${STAND_IN_URL}/**`);
    await this.page.locator(`a[href*="pick=${key}&"], a[href$="pick=${key}"]`).click();
  }

  async arrives(path) {
    await this.page.waitForURL((url) => url.origin === UI_URL && url.pathname === path);
  }

  async shot(name) {
    await this.page.waitForLoadState('networkidle');
    Window.#shots += 1;
    await this.page.screenshot({ path: `${SCREENSHOTS}/${String(Window.#shots).padStart(2, '0')}-${name}.png`, fullPage: true });
  }

  async text(id) {
    return this.page.getByTestId(id).innerText();
  }

  async logIn(provider, key) {
    await this.visit('/login');
    await this.button('provider', provider).click();
    await this.pick(key);
  }

  async logOut() {
    await this.visit('/');
    await this.page.getByRole('button', { name: 'Log out' }).click();
    await this.arrives('/login');
  }

  async close() {
    await this.context.close();
    assert.deepEqual(this.faults, []);
  }
}

test('somebody registers, is asked for the missing address, logs out and in again', async () => {
  const window = await Window.open();
  await window.visit('/registration');
  await window.button('provider', 'microsoft').waitFor();
  await window.shot('registration');
  await window.button('provider', 'microsoft').click();
  await window.pick('noemail');

  await window.arrives('/registration');
  const email = window.page.locator('input[name="traits.email"]');
  await email.waitFor();
  assert.equal(await window.page.locator('input[name="traits.name"]').inputValue(), 'Norman Noemail');
  await window.shot('missing-address');
  await email.fill('norman@home.example');
  await window.shot('missing-address-filled');
  await window.button('provider', 'microsoft').click();
  await window.pick('noemail');

  await window.arrives('/');
  assert.equal(await window.text('email'), 'norman@home.example');
  assert.equal(await window.text('name'), 'Norman Noemail');
  const identity = await window.text('identity');
  await window.shot('home');

  await window.logOut();
  await window.button('provider', 'microsoft').waitFor();
  await window.shot('login');
  await window.button('provider', 'microsoft').click();
  await window.pick('noemail');
  await window.arrives('/');
  assert.equal(await window.text('identity'), identity);
  await window.close();
});

test('a second provider is linked, used and unlinked', async () => {
  const window = await Window.open();
  await window.logIn('microsoft', 'alice');
  await window.arrives('/');
  const identity = await window.text('identity');

  await window.visit('/settings');
  await window.button('link', 'partner').waitFor();
  await window.shot('settings');
  await window.button('link', 'partner').click();
  await window.pick('alice');
  await window.arrives('/settings');
  await window.button('unlink', 'partner').waitFor();
  await window.shot('settings-linked');

  await window.logOut();
  await window.logIn('partner', 'alice');
  await window.arrives('/');
  assert.equal(await window.text('identity'), identity);

  await window.visit('/settings');
  await window.button('unlink', 'microsoft').click();
  await window.button('link', 'microsoft').waitFor();
  assert.equal(await window.button('unlink', 'partner').count(), 0);
  await window.shot('settings-unlinked');
  await window.logOut();
  await window.close();
});

test('the profile is changed in settings', async () => {
  const window = await Window.open();
  await window.logIn('microsoft', 'carol');
  await window.arrives('/');
  await window.visit('/settings');
  await window.page.locator('input[name="traits.name"]').fill('Carol Changed');
  await window.button('method', 'profile').click();
  await window.page.getByText('Your changes have been saved!').first().waitFor();
  await window.shot('settings-saved');
  await window.visit('/');
  assert.equal(await window.text('name'), 'Carol Changed');
  await window.close();
});

test('a declined sign-in says so on the login page', async () => {
  const window = await Window.open();
  await window.logIn('microsoft', 'cancel');
  await window.arrives('/login');
  await window.page.getByText('access_denied').waitFor();
  await window.shot('declined');
  await window.close();
});

test('an address that is taken leads to linking, and signing in links', async () => {
  const window = await Window.open();
  await window.logIn('microsoft', 'bob');
  await window.arrives('/');
  const identity = await window.text('identity');
  await window.logOut();

  await window.logIn('partner', 'bob');
  await window.arrives('/login');
  await window.button('provider', 'microsoft').waitFor();
  await window.shot('address-taken');
  await window.button('provider', 'microsoft').click();
  await window.pick('bob');
  await window.arrives('/');
  assert.equal(await window.text('identity'), identity);
  await window.visit('/settings');
  await window.button('unlink', 'partner').waitFor();
  await window.close();
});

test('an error without a form is shown on the error page', async () => {
  const window = await Window.open();
  await window.page.goto(`${PUBLIC_URL}/self-service/methods/oidc/callback/microsoft?code=x&state=forged`);
  await window.arrives('/error');
  await window.page.getByTestId('ory/screen/error/message').waitFor();
  assert.match(await window.text('ory/screen/error/message'), /state parameter is invalid/);
  await window.shot('error');
  await window.close();
});
