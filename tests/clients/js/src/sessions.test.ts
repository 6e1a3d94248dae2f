import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser, type Refusal, refused } from './browser.js';
import { publicUrl, uiUrl } from './environment.js';
import { newPerson, type Person } from './people.js';

async function browsers(person: Person, count: number): Promise<Browser[]> {
  const all: Browser[] = [];
  for (let number = 0; number < count; number += 1) {
    const browser = new Browser(person);
    await browser.signIn();
    all.push(browser);
  }
  return all;
}

async function sessionId(browser: Browser): Promise<string> {
  return (await browser.frontend.toSession()).data.id;
}

test('without a session whoami says 401', async () => {
  const body = await refused<Refusal>(new Browser().frontend.toSession(), 401);
  assert.equal(body.error.code, 401);
  assert.equal(body.error.id, undefined);
});

test('my other sessions are listed newest first, and revoked one by one or all at once', async () => {
  const person = await newPerson();
  const all = await browsers(person, 4);
  const ids: string[] = [];
  for (const browser of all) ids.push(await sessionId(browser));
  const me = all[0];
  assert.ok(me);
  const { data: others } = await me.frontend.listMySessions();
  assert.deepEqual(others.map((session) => session.id), ids.slice(1).reverse());
  assert.equal(others[0]?.identity?.traits.email, person.email);
  assert.equal(others[0]?.devices?.length, 1);
  const pages = [await me.frontend.listMySessions({ perPage: 2, page: 1 }), await me.frontend.listMySessions({ perPage: 2, page: 2 })];
  assert.deepEqual(pages.map(({ data }) => data.length), [2, 1]);

  await me.frontend.disableMySession({ id: ids[1] ?? '' });
  await refused<Refusal>(all[1]?.frontend.toSession() ?? Promise.resolve(), 401);
  await refused<Refusal>(me.frontend.disableMySession({ id: ids[0] ?? '' }), 400);

  // Kratos counts the one that had ended before as well.
  const { data: revoked } = await me.frontend.disableMyOtherSessions();
  assert.equal(revoked.count, 3);
  assert.deepEqual((await me.frontend.listMySessions()).data, []);
  await refused<Refusal>(all[2]?.frontend.toSession() ?? Promise.resolve(), 401);
  assert.equal(await sessionId(me), ids[0]);
});

test('a session becomes a signed token', async () => {
  const person = await newPerson();
  const [browser] = await browsers(person, 1);
  assert.ok(browser);
  const { data: session } = await browser.frontend.toSession({ tokenizeAs: 'backend' });
  const [header, payload, signature] = (session.tokenized ?? '').split('.');
  assert.ok(header && payload && signature);
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
  assert.ok(claims && typeof claims === 'object' && 'sub' in claims && 'sid' in claims && 'email' in claims && 'iss' in claims);
  assert.equal(claims.sub, session.identity?.id);
  assert.equal(claims.sid, session.id);
  assert.equal(claims.email, person.email);
  assert.equal(claims.iss, `${publicUrl}/`);
  await refused<Refusal>(browser.frontend.toSession({ tokenizeAs: 'unknown' }), 400);
});

test('logout ends the session here', async () => {
  const [browser, elsewhere] = await browsers(await newPerson(), 2);
  assert.ok(browser && elsewhere);
  const { data: logout } = await browser.frontend.createBrowserLogoutFlow();
  assert.match(logout.logout_token, /^ory_lo_/);
  assert.ok(logout.logout_url.includes(logout.logout_token));
  await refused<Refusal>(browser.frontend.updateLogoutFlow({ token: 'ory_lo_wrong' }), 403);
  const done = await browser.frontend.updateLogoutFlow({ token: logout.logout_token });
  assert.equal(done.status, 204);
  await refused<Refusal>(browser.frontend.toSession(), 401);
  await elsewhere.frontend.toSession();

  const end = await elsewhere.walk((await elsewhere.frontend.createBrowserLogoutFlow()).data.logout_url);
  assert.equal(end.href, `${uiUrl}/login`);
  const body = await refused<Refusal>(elsewhere.frontend.createBrowserLogoutFlow(), 401);
  assert.equal(body.error.id, 'session_inactive');
});
