import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { RegistrationFlow, SuccessfulNativeLogin } from '@ory/client';
import { Configuration, FrontendApi } from '@ory/client';
import axios from 'axios';
import { Browser, inputs, messageIds, type Refusal, refused, values } from './browser.js';
import { appUrl, publicUrl } from './environment.js';
import { idToken, newPerson, type Person } from './people.js';

// An app keeps no cookies: a plain client, and the system's browser for the trip to the provider.
const app = new FrontendApi(new Configuration({ basePath: publicUrl }), publicUrl, axios.create({ maxRedirects: 0 }));

async function signInToApp(person: Person): Promise<SuccessfulNativeLogin> {
  const { data: flow } = await app.createNativeLoginFlow({ returnSessionTokenExchangeCode: true, returnTo: appUrl });
  assert.equal(flow.type, 'api');
  const initCode = flow.session_token_exchange_code ?? '';
  const browser = new Browser(person);
  const end = await browser.walk(await browser.leaves(app.updateLoginFlow({
    flow: flow.id, updateLoginFlowBody: { method: 'oidc', provider: 'microsoft' },
  })));
  assert.equal(end.protocol, 'app.example:');
  const returnToCode = end.searchParams.get('code') ?? '';
  await refused<Refusal>(app.exchangeSessionToken({ initCode, returnToCode: 'wrong' }), 404);
  return (await app.exchangeSessionToken({ initCode, returnToCode })).data;
}

test('an app exchanges its two codes for a session token and uses it', async () => {
  const person = await newPerson();
  const { session, session_token: token } = await signInToApp(person);
  assert.match(token ?? '', /^ory_st_/);
  const xSessionToken = token ?? '';
  const { data: whoami } = await app.toSession({ xSessionToken });
  assert.equal(whoami.id, session.id);
  assert.equal(whoami.identity?.traits.email, person.email);
  const bearer = new FrontendApi(new Configuration({ basePath: publicUrl, baseOptions: { headers: { Authorization: `Bearer ${xSessionToken}` } } }));
  assert.equal((await bearer.toSession()).data.id, session.id);

  const { session_token: second } = await signInToApp(person);
  const { data: others } = await app.listMySessions({ xSessionToken });
  assert.equal(others.length, 1);
  assert.equal((await app.disableMyOtherSessions({ xSessionToken })).data.count, 1);
  await refused<Refusal>(app.toSession({ xSessionToken: second ?? '' }), 401);

  await app.performNativeLogout({ performNativeLogoutBody: { session_token: xSessionToken } });
  await refused<Refusal>(app.toSession({ xSessionToken }), 401);
  await refused<Refusal>(app.performNativeLogout({ performNativeLogoutBody: { session_token: `${xSessionToken}x` } }), 403);
});

test('an app registers somebody whose address is missing', async () => {
  const person = await newPerson({ email: null });
  const { data: flow } = await app.createNativeRegistrationFlow({ returnSessionTokenExchangeCode: true, returnTo: appUrl });
  const initCode = flow.session_token_exchange_code ?? '';
  const browser = new Browser(person);
  const trip = async (traits: object) => browser.walk(await browser.leaves(app.updateRegistrationFlow({
    flow: flow.id, updateRegistrationFlowBody: { method: 'oidc', provider: 'microsoft', traits },
  })));
  const end = await trip({});
  assert.equal(end.searchParams.get('flow'), flow.id);
  const returnToCode = end.searchParams.get('code') ?? '';
  const form = await refused<RegistrationFlow>(app.exchangeSessionToken({ initCode, returnToCode }), 422);
  assert.equal(form.id, flow.id);
  assert.ok(inputs(form.ui).some((input) => input.name === 'traits.email'));

  const email = `${person.key}@home.example`;
  const done = await trip({ email });
  const { data: native } = await app.exchangeSessionToken({
    initCode, returnToCode: done.searchParams.get('code') ?? '',
  });
  assert.equal(native.session.identity?.traits.email, email);
});

test('an app submits an ID token that it got itself', async () => {
  const person = await newPerson();
  const nonce = randomUUID();
  const { data: flow } = await app.createNativeRegistrationFlow();
  const { data: done } = await app.updateRegistrationFlow({
    flow: flow.id,
    updateRegistrationFlowBody: {
      method: 'oidc', provider: 'microsoft', id_token: await idToken(person, { at: 'microsoft', nonce }), id_token_nonce: nonce,
    },
  });
  assert.equal(done.identity.traits.email, person.email);
  assert.equal(done.continue_with?.[0]?.action, 'set_ory_session_token');
  assert.equal((await app.toSession({ xSessionToken: done.session_token ?? '' })).data.identity?.id, done.identity.id);
});

test('an app changes the profile', async () => {
  const { session_token: token } = await signInToApp(await newPerson());
  const xSessionToken = token ?? '';
  const { data: flow } = await app.createNativeSettingsFlow({ xSessionToken });
  assert.equal(flow.type, 'api');
  assert.deepEqual(values(flow.ui, 'csrf_token'), ['']);
  const { data: saved } = await app.updateSettingsFlow({
    flow: flow.id,
    xSessionToken,
    updateSettingsFlowBody: { method: 'profile', traits: { ...flow.identity.traits, team: 'Green' } },
  });
  assert.deepEqual(messageIds(saved.ui), [1050001]);
  assert.equal((await app.getSettingsFlow({ id: flow.id, xSessionToken })).data.identity.traits.team, 'Green');
});
