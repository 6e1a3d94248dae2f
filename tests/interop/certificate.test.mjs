// Sign-in with a certificate, judged by a provider that other people wrote: it verifies the assertion's signature with
// the certificate's public key, and refuses everything else.
import assert from 'node:assert/strict';
import { test } from 'node:test';

const { PUBLIC_URL, PROVIDER_URL } = process.env;

class Browser {
  jars = new Map();

  async fetch(url, options = {}) {
    const { origin } = new URL(url);
    const jar = this.jars.get(origin) ?? this.jars.set(origin, new Map()).get(origin);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { redirect: 'manual', ...options, headers: { cookie, ...options.headers } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (/expires=Thu, 01 Jan 1970|max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  }

  /** From the button to where the browser ends. */
  async signIn(provider) {
    const json = { accept: 'application/json' };
    const flow = await (await this.fetch(`${PUBLIC_URL}/self-service/login/browser`, { headers: json })).json();
    const csrf = flow.ui.nodes.find((node) => node.attributes.name === 'csrf_token').attributes.value;
    const submit = await this.fetch(flow.ui.action, {
      method: 'POST',
      headers: { ...json, 'content-type': 'application/json' },
      body: JSON.stringify({ method: 'oidc', provider, csrf_token: csrf }),
    });
    const body = await submit.json();
    assert.equal(submit.status, 422, JSON.stringify(body));
    let url = new URL(body.redirect_browser_to);
    for (let step = 0; step < 12; step += 1) {
      if (![PUBLIC_URL, PROVIDER_URL].includes(url.origin) || url.pathname === '/done') return url;
      const answer = await this.fetch(url.href, { headers: { accept: 'text/html' } });
      const location = answer.headers.get('location');
      assert.ok(location, `${url.pathname} answered ${answer.status}: ${(await answer.text()).slice(0, 2000)}`);
      url = new URL(location, url);
    }
    return assert.fail('a browser would have given up: twelve redirects');
  }

  async whoami() {
    return this.fetch(`${PUBLIC_URL}/sessions/whoami`, { headers: { accept: 'application/json' } });
  }
}

const seen = async () => (await fetch(`${PROVIDER_URL}/seen`)).json();

test('a certificate with an encrypted key signs in at a provider that verifies it', async () => {
  const browser = new Browser();
  const end = await browser.signIn('microsoft');
  assert.equal(end.pathname, '/done', `${end}: ${JSON.stringify(await seen())}`);
  const session = await (await browser.whoami()).json();
  assert.equal(session.identity.traits.email, 'alice@contoso.example');
  const { accepted } = await seen();
  assert.equal(accepted.length, 1);
});

test('each exchange has an assertion of its own', async () => {
  await new Browser().signIn('microsoft');
  const { accepted } = await seen();
  assert.equal(accepted.length, 2);
  assert.notEqual(accepted[0], accepted[1]);
});

test('a client that is registered with another key is refused and gets no session', async () => {
  const browser = new Browser();
  const end = await browser.signIn('stranger');
  assert.notEqual(end.pathname, '/done');
  assert.equal((await browser.whoami()).status, 401);
  const { refused } = await seen();
  assert.equal(refused.length, 1, JSON.stringify(refused));
  assert.match(refused[0], /client authentication failed|invalid_client/);
});
