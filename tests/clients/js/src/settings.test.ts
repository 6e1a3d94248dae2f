import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SettingsFlow } from '@ory/client';
import { Browser, csrfToken, messageIds, type Refusal, refused, values } from './browser.js';
import { standInUrl } from './environment.js';
import { newPerson, personaCookie } from './people.js';

async function signedIn(): Promise<Browser> {
  const browser = new Browser(await newPerson());
  await browser.signIn();
  return browser;
}

test('settings need a session', async () => {
  const body = await refused<Refusal>(new Browser().frontend.createBrowserSettingsFlow(), 401);
  assert.equal(body.error.id, 'session_inactive');
});

test('the profile is changed, and a wrong value is pointed at', async () => {
  const browser = await signedIn();
  const { data: flow } = await browser.frontend.createBrowserSettingsFlow();
  assert.equal(flow.state, 'show_form');
  const save = (traits: object) => browser.frontend.updateSettingsFlow({
    flow: flow.id,
    updateSettingsFlowBody: { method: 'profile', csrf_token: csrfToken(flow.ui), traits },
  });
  const { data: saved } = await save({ ...flow.identity.traits, team: 'Red' });
  assert.equal(saved.state, 'success');
  assert.deepEqual(messageIds(saved.ui), [1050001]);
  assert.equal(saved.identity.traits.team, 'Red');
  assert.equal((await browser.frontend.toSession()).data.identity?.traits.team, 'Red');

  const wrong = await refused<SettingsFlow>(save({ email: 'not an address' }), 400);
  const email = wrong.ui.nodes.find((node) => node.attributes.node_type === 'input' && node.attributes.name === 'traits.email');
  assert.equal(email?.messages[0]?.id, 4000040);
  assert.equal(email?.messages[0]?.type, 'error');
});

test('a second provider is linked and unlinked, the last one stays', async () => {
  const browser = await signedIn();
  const { data: before } = await browser.frontend.createBrowserSettingsFlow();
  assert.deepEqual(values(before.ui, 'link'), ['partner']);
  assert.deepEqual(values(before.ui, 'unlink'), []);

  const linked = await browser.link('partner');
  assert.equal(linked.state, 'success');
  assert.deepEqual(messageIds(linked.ui), [1050001]);
  assert.deepEqual(values(linked.ui, 'link'), []);
  assert.deepEqual(values(linked.ui, 'unlink'), ['microsoft', 'partner']);

  const { data: flow } = await browser.frontend.createBrowserSettingsFlow();
  const unlink = (provider: string) => browser.frontend.updateSettingsFlow({
    flow: flow.id,
    updateSettingsFlowBody: { method: 'oidc', unlink: provider },
  });
  const { data: unlinked } = await unlink('partner');
  assert.equal(unlinked.state, 'success');
  assert.deepEqual(values(unlinked.ui, 'link'), ['partner']);
  assert.deepEqual(values(unlinked.ui, 'unlink'), []);

  const kept = await refused<SettingsFlow>(unlink('microsoft'), 400);
  assert.deepEqual(messageIds(kept.ui), [4000001]);
});

test('a link that belongs to somebody else is refused', async () => {
  const person = await newPerson();
  await new Browser(person).signIn('partner');
  const browser = await signedIn();
  browser.jar.setCookieSync(personaCookie(person), standInUrl);
  const flow = await browser.link('partner');
  assert.equal(flow.state, 'show_form');
  assert.equal(messageIds(flow.ui).length, 1);
  assert.equal(flow.ui.messages?.[0]?.type, 'error');
  assert.deepEqual(values(flow.ui, 'link'), ['partner']);
});

test('settings of somebody else cannot be read', async () => {
  const { data: flow } = await (await signedIn()).frontend.createBrowserSettingsFlow();
  const body = await refused<Refusal>((await signedIn()).frontend.getSettingsFlow({ id: flow.id }), 403);
  assert.equal(body.error.id, 'security_identity_mismatch');
});
