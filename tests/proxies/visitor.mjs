// Somebody with headless Chromium.
import { chromium } from 'playwright-core';
import { HOST, seenIn } from './site.mjs';

const SWITCHES = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-proxy-server',
  `--host-resolver-rules=MAP ${HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: SWITCHES });

export class Visitor {
  /** `lies` are headers that this visitor sends with everything. */
  static async open(chrome, site, lies = {}) {
    const visitor = new Visitor();
    visitor.site = site;
    visitor.context = await chrome.newContext({ ignoreHTTPSErrors: true, extraHTTPHeaders: lies });
    visitor.page = await visitor.context.newPage();
    visitor.page.setDefaultTimeout(20_000);
    visitor.addresses = [];
    visitor.page.on('request', (request) => request.isNavigationRequest() && visitor.addresses.push(request.url()));
    return visitor;
  }

  visit(path) {
    return this.page.goto(`${this.site.public}${path}`);
  }

  /** From the login page by way of Microsoft; whatever comes after is left to the caller. */
  async signInAs(person) {
    await this.page.waitForURL(`${this.site.public}/ui/login?**`);
    await this.page.locator('button[name="provider"][value="microsoft"]').click();
    await this.page.waitForURL(`${this.site.standIn}/**`);
    await this.page.locator(`a[href*="pick=${person}&"], a[href$="pick=${person}"]`).click();
  }

  arrives(path) {
    return this.page.waitForURL(`${this.site.public}${path}`);
  }

  /** What the application saw of the request for this page. */
  async seen() {
    return seenIn((await this.page.content()).replaceAll('&amp;', '&').replaceAll('&gt;', '>'));
  }

  /** A script on the page asks. */
  fetch(path, headers = { accept: 'application/json' }) {
    return this.page.evaluate(async ([url, init]) => {
      const answer = await fetch(url, init);
      return { status: answer.status, url: answer.url, body: await answer.text() };
    }, [path, { headers }]);
  }

  /** Where the provider was told to send people back. */
  callbacks() {
    const asked = this.addresses.filter((address) => address.startsWith(this.site.standIn));
    return asked.flatMap((address) => new URL(address).searchParams.getAll('redirect_uri'));
  }

  async signOut() {
    const flow = await this.fetch('/self-service/logout/browser');
    const { logout_url: url } = JSON.parse(flow.body);
    await this.page.goto(url);
    return url;
  }

  close() {
    return this.context.close();
  }
}
