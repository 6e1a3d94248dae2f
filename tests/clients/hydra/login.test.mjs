// Somebody comes from an OAuth2 application, signs in, and goes back to it: `login_challenge` from end to end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, csrfToken, inputs, refused } from '../js/dist/browser.js';
import { publicUrl, uiUrl } from '../js/dist/environment.js';
import { newPerson } from '../js/dist/people.js';
import { Hydra } from './admin.mjs';

const hydra = new Hydra(process.env.HYDRA_URL);
before(() => hydra.start());
after(() => hydra.stop());

/** Opens the login page as Hydra does, in a browser: the flow that the page shows. */
async function openLogin(browser, challenge) {
  const page = await browser.walk(`${publicUrl}/self-service/login/browser?login_challenge=${challenge}`);
  assert.equal(`${page.origin}${page.pathname}`, `${uiUrl}/login`);
  return (await browser.frontend.getLoginFlow({ id: page.searchParams.get('flow') })).data;
}

async function signIn(browser, flow) {
  const submit = browser.frontend.updateLoginFlow({
    flow: flow.id,
    updateLoginFlowBody: { method: 'oidc', provider: 'microsoft', csrf_token: csrfToken(flow.ui) },
  });
  return browser.walk(await browser.leaves(submit));
}

async function identityOf(browser) {
  return (await browser.frontend.toSession()).data;
}

test('somebody new signs up on the way and ends at the application', async () => {
  const browser = new Browser(await newPerson());
  const challenge = hydra.authorize();
  const flow = await openLogin(browser, challenge);
  assert.equal(flow.oauth2_login_challenge, challenge);
  assert.equal(flow.oauth2_login_request?.client?.client_name, 'An application');
  assert.deepEqual(flow.oauth2_login_request?.requested_scope, ['openid']);

  const end = await signIn(browser, flow);
  assert.equal(end.href, hydra.verifier(challenge));
  const session = await identityOf(browser);
  assert.deepEqual(hydra.accepted(challenge), {
    subject: session.identity.id,
    identity_provider_session_id: session.id,
    remember: true,
    remember_for: 86400,
    amr: ['oidc'],
  });
});

test('somebody known signs in and ends at the application', async () => {
  const person = await newPerson();
  const earlier = new Browser(person);
  await earlier.signIn();
  const browser = new Browser(person);
  const challenge = hydra.authorize();
  assert.equal((await signIn(browser, await openLogin(browser, challenge))).href, hydra.verifier(challenge));
  assert.equal(hydra.accepted(challenge).subject, (await identityOf(earlier)).identity.id);
});

test('a sign-up that has to ask for an address keeps the application', async () => {
  const person = await newPerson({ email: null });
  const browser = new Browser(person);
  const challenge = hydra.authorize();
  const page = await signIn(browser, await openLogin(browser, challenge));
  assert.equal(`${page.origin}${page.pathname}`, `${uiUrl}/registration`);
  const { data: form } = await browser.frontend.getRegistrationFlow({ id: page.searchParams.get('flow') });
  assert.equal(form.oauth2_login_challenge, challenge);
  assert.ok(inputs(form.ui).some((input) => input.name === 'traits.email'));
  assert.equal(hydra.accepted(challenge), null);

  const submit = browser.frontend.updateRegistrationFlow({
    flow: form.id,
    updateRegistrationFlowBody: {
      method: 'oidc', provider: 'microsoft', csrf_token: csrfToken(form.ui), traits: { email: `${person.key}@home.example` },
    },
  });
  assert.equal((await browser.walk(await browser.leaves(submit))).href, hydra.verifier(challenge));
  assert.equal(hydra.accepted(challenge).subject, (await identityOf(browser)).identity.id);
});

test('a registration flow takes a challenge too', async () => {
  const browser = new Browser(await newPerson());
  const challenge = hydra.authorize();
  const { data: flow } = await browser.frontend.createBrowserRegistrationFlow({ loginChallenge: challenge });
  assert.equal(flow.oauth2_login_challenge, challenge);
  const submit = browser.frontend.updateRegistrationFlow({
    flow: flow.id,
    updateRegistrationFlowBody: { method: 'oidc', provider: 'microsoft', csrf_token: csrfToken(flow.ui) },
  });
  assert.equal((await browser.walk(await browser.leaves(submit))).href, hydra.verifier(challenge));
});

test('with skip, a session is enough and no page is shown', async () => {
  const browser = new Browser(await newPerson());
  await browser.signIn();
  const { identity } = await identityOf(browser);
  const challenge = hydra.authorize({ skip: true, subject: identity.id });
  const end = await browser.walk(`${publicUrl}/self-service/login/browser?login_challenge=${challenge}`);
  assert.equal(end.href, hydra.verifier(challenge));
  assert.equal(hydra.accepted(challenge).subject, identity.id);
});

test('without skip, somebody with a session signs in again', async () => {
  const browser = new Browser(await newPerson());
  await browser.signIn();
  const challenge = hydra.authorize();
  const flow = await openLogin(browser, challenge);
  assert.equal(flow.refresh, true);
  assert.equal(hydra.accepted(challenge), null);
  assert.equal((await signIn(browser, flow)).href, hydra.verifier(challenge));
});

test('a challenge that Hydra does not know is refused', async () => {
  const browser = new Browser();
  const body = await refused(browser.frontend.createBrowserLoginFlow({ loginChallenge: 'unknown' }), 400);
  assert.equal(body.error.reason, 'Unable to get OAuth 2.0 Login Challenge.');
  const page = await browser.walk(`${publicUrl}/self-service/login/browser?login_challenge=unknown`);
  assert.equal(page.pathname, '/error');
});
