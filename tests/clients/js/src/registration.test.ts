import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser, csrfToken, inputs, messageIds, type Refusal, refused, values } from './browser.js';
import { uiUrl } from './environment.js';
import { newPerson, type Person } from './people.js';

async function register(browser: Browser, provider = 'microsoft', traits?: object): Promise<URL> {
  const { data: flow } = await browser.frontend.createBrowserRegistrationFlow({ returnTo: `${uiUrl}/welcome` });
  return browser.walk(await browser.leaves(browser.frontend.updateRegistrationFlow({
    flow: flow.id,
    updateRegistrationFlowBody: {
      method: 'oidc', provider, csrf_token: csrfToken(flow.ui), ...(traits && { traits }),
    },
  })));
}

test('a registration flow shows buttons and the traits of the schema', async () => {
  const browser = new Browser();
  const { data: flow } = await browser.frontend.createBrowserRegistrationFlow();
  assert.equal(flow.state, 'choose_method');
  assert.deepEqual(inputs(flow.ui).map((input) => input.name),
    ['provider', 'provider', 'csrf_token', 'traits.email', 'traits.name', 'traits.team', 'method']);
  assert.equal(inputs(flow.ui)[3]?.required, true);
  assert.equal((await browser.frontend.getRegistrationFlow({ id: flow.id })).data.id, flow.id);
});

test('registering signs in, with what the form knows beyond the provider', async () => {
  const person = await newPerson();
  const browser = new Browser(person);
  assert.equal((await register(browser, 'microsoft', { team: 'Blue' })).href, `${uiUrl}/welcome`);
  const { data: session } = await browser.frontend.toSession();
  assert.deepEqual(session.identity?.traits, { email: person.email, name: person.name, team: 'Blue' });
  const body = await refused<Refusal>(browser.frontend.createBrowserRegistrationFlow(), 400);
  assert.equal(body.error.id, 'session_already_available');
});

test('a missing trait is asked for, and completing the form registers', async () => {
  const person = await newPerson({ email: null });
  const browser = new Browser(person);
  const end = await register(browser);
  assert.equal(end.pathname, '/registration');
  const id = end.searchParams.get('flow') ?? '';
  const { data: form } = await browser.frontend.getRegistrationFlow({ id });
  assert.equal(form.active, 'oidc');
  assert.deepEqual(values(form.ui, 'provider'), ['microsoft']);
  assert.deepEqual(values(form.ui, 'traits.name'), [person.name]);
  const email = form.ui.nodes.find((node) => node.attributes.node_type === 'input' && node.attributes.name === 'traits.email');
  assert.deepEqual(email?.messages.map((message) => message.id), [4000002]);

  const address = `${person.key}@home.example`;
  const done = await browser.walk(await browser.leaves(browser.frontend.updateRegistrationFlow({
    flow: id,
    updateRegistrationFlowBody: {
      method: 'oidc', provider: 'microsoft', csrf_token: csrfToken(form.ui), traits: { email: address },
    },
  })));
  assert.equal(done.href, `${uiUrl}/welcome`);
  const { data: session } = await browser.frontend.toSession();
  assert.deepEqual(session.identity?.traits, { email: address, name: person.name });
});

test('an address that somebody has already leads to linking', async () => {
  const person = await newPerson();
  await new Browser(person).signIn('microsoft');
  const browser = new Browser(person);
  const end = await register(browser, 'partner');
  assert.equal(end.pathname, '/login');
  const { data: flow } = await browser.frontend.getLoginFlow({ id: end.searchParams.get('flow') ?? '' });
  assert.deepEqual(messageIds(flow.ui), [1010016]);
  assert.deepEqual(values(flow.ui, 'provider'), ['microsoft']);
  await browser.walk(await browser.leaves(browser.frontend.updateLoginFlow({
    flow: flow.id,
    updateLoginFlowBody: { method: 'oidc', provider: 'microsoft', csrf_token: csrfToken(flow.ui) },
  })));
  const { data: session } = await browser.frontend.toSession();
  assert.deepEqual((session.authentication_methods ?? []).map((method) => method.provider).sort(), ['microsoft', 'partner']);
  await signsInWithBoth(person, session.identity?.id);
});

async function signsInWithBoth(person: Person, id: string | undefined): Promise<void> {
  for (const provider of ['microsoft', 'partner']) {
    const browser = new Browser(person);
    await browser.signIn(provider);
    assert.equal((await browser.frontend.toSession()).data.identity?.id, id);
  }
}
