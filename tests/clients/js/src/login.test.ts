import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Browser, csrfToken, messageIds, type Refusal, refused, values } from './browser.js';
import { publicUrl, standInUrl, uiUrl } from './environment.js';
import { newPerson } from './people.js';

test('a login flow shows its buttons in the order of their ids, and reads back the same', async () => {
  const browser = new Browser();
  const { data: flow } = await browser.frontend.createBrowserLoginFlow({ returnTo: `${uiUrl}/somewhere` });
  assert.equal(flow.type, 'browser');
  assert.equal(flow.state, 'choose_method');
  assert.equal(flow.requested_aal, 'aal1');
  assert.equal(flow.refresh, false);
  assert.equal(flow.return_to, `${uiUrl}/somewhere`);
  assert.equal(flow.organization_id, null);
  assert.deepEqual(values(flow.ui, 'provider'), ['microsoft', 'partner']);
  assert.equal(flow.ui.nodes[0]?.meta.label?.text, 'Sign in with Microsoft');
  assert.ok(Date.parse(flow.expires_at) > Date.parse(flow.issued_at));

  const { data: again } = await browser.frontend.getLoginFlow({ id: flow.id });
  assert.equal(again.id, flow.id);
  assert.equal(again.created_at, flow.created_at);
  assert.deepEqual(values(again.ui, 'provider'), ['microsoft', 'partner']);
});

test('a flow of another browser cannot be read', async () => {
  const { data: flow } = await new Browser().frontend.createBrowserLoginFlow();
  const body = await refused<Refusal>(new Browser().frontend.getLoginFlow({ id: flow.id }), 403);
  assert.equal(body.error.id, 'security_csrf_violation');
});

test('signing in for the first time makes an identity, the second time finds it', async () => {
  const person = await newPerson();
  const first = new Browser(person);
  assert.equal((await first.signIn()).href, `${uiUrl}/`);
  const { data: session } = await first.frontend.toSession();
  assert.equal(session.active, true);
  assert.equal(session.authenticator_assurance_level, 'aal1');
  assert.equal(session.identity?.traits.email, person.email);
  assert.equal(session.identity?.state, 'active');
  assert.equal(session.identity?.verifiable_addresses?.[0]?.verified, true);
  assert.equal(session.identity?.metadata_admin, undefined);
  assert.equal(session.devices?.length, 1);
  const [method] = session.authentication_methods ?? [];
  assert.equal(method?.method, 'oidc');
  assert.equal(method?.provider, 'microsoft');
  assert.equal(method?.aal, 'aal1');

  const second = new Browser(person);
  await second.signIn();
  const { data: other } = await second.frontend.toSession();
  assert.equal(other.identity?.id, session.identity?.id);
  assert.notEqual(other.id, session.id);
});

test('a sign-in that was declined leads back to the login form with a message', async () => {
  const browser = new Browser();
  const { data: flow } = await browser.frontend.createBrowserLoginFlow();
  const provider = await browser.leaves(browser.frontend.updateLoginFlow({
    flow: flow.id,
    updateLoginFlowBody: { method: 'oidc', provider: 'microsoft', csrf_token: csrfToken(flow.ui) },
  }));
  const end = await browser.walk(`${provider}&pick=cancel`);
  assert.equal(end.pathname, '/login');
  assert.equal(end.searchParams.get('flow'), flow.id);
  const { data: after } = await browser.frontend.getLoginFlow({ id: flow.id });
  assert.deepEqual(messageIds(after.ui), [4000001]);
  assert.match(after.ui.messages?.[0]?.text ?? '', /access_denied/);
});

test('upstream parameters of the client reach the provider', async () => {
  const browser = new Browser();
  const { data: flow } = await browser.frontend.createBrowserLoginFlow();
  const provider = new URL(await browser.leaves(browser.frontend.updateLoginFlow({
    flow: flow.id,
    updateLoginFlowBody: { method: 'oidc', provider: 'microsoft', upstream_parameters: { prompt: 'select_account' } },
  })));
  assert.equal(provider.origin, standInUrl);
  assert.equal(provider.searchParams.get('prompt'), 'select_account');
});

test('somebody who is signed in gets no new login flow, but may refresh', async () => {
  const person = await newPerson();
  const browser = new Browser(person);
  await browser.signIn();
  const body = await refused<Refusal>(browser.frontend.createBrowserLoginFlow(), 400);
  assert.equal(body.error.id, 'session_already_available');

  const { data: flow } = await browser.frontend.createBrowserLoginFlow({ refresh: true });
  assert.equal(flow.refresh, true);
  assert.deepEqual(messageIds(flow.ui), [1010003]);
  assert.deepEqual(values(flow.ui, 'provider'), ['microsoft']);
  await browser.walk(await browser.leaves(browser.frontend.updateLoginFlow({
    flow: flow.id,
    updateLoginFlowBody: { method: 'oidc', provider: 'microsoft', csrf_token: csrfToken(flow.ui) },
  })));
  assert.equal((await browser.frontend.toSession()).data.identity?.traits.email, person.email);
});

test('a return address that is not allowed is refused', async () => {
  const call = new Browser().frontend.createBrowserLoginFlow({ returnTo: 'https://attacker.example/' });
  const body = await refused<Refusal>(call, 400);
  assert.equal(body.error.id, 'self_service_flow_return_to_forbidden');
});

test('an error that has no form is kept for the error page', async () => {
  const browser = new Browser();
  const end = await browser.walk(`${publicUrl}/self-service/methods/oidc/callback/microsoft?code=x&state=forged`);
  assert.equal(end.pathname, '/error');
  const id = end.searchParams.get('id');
  assert.ok(id);
  const { data: stored } = await browser.frontend.getFlowError({ id });
  assert.equal(stored.id, id);
  assert.ok(stored.error && 'code' in stored.error && stored.error.code === 400);
  const missing = await refused<Refusal>(browser.frontend.getFlowError({ id: randomUUID() }), 404);
  assert.equal(missing.error.code, 404);
});
