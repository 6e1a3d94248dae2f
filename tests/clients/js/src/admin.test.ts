import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Identity } from '@ory/client';
import { Configuration, IdentityApi } from '@ory/client';
import axios from 'axios';
import { Browser, refused, type Refusal, values } from './browser.js';
import { adminUrl } from './environment.js';
import { newPerson, subject } from './people.js';

const admin = new IdentityApi(new Configuration({ basePath: adminUrl }), adminUrl, axios.create({ maxRedirects: 0 }));

function address(): string {
  return `a-${randomUUID()}@contoso.example`;
}

async function created(email = address()): Promise<Identity> {
  return (await admin.createIdentity({ createIdentityBody: { schema_id: 'default', traits: { email } } })).data;
}

test('an identity is created, read, replaced, patched and deleted', async () => {
  const email = address();
  const external_id = randomUUID();
  const { data: identity, status } = await admin.createIdentity({
    createIdentityBody: {
      schema_id: 'default', traits: { email }, state: 'active', external_id,
      metadata_public: { plan: 'a' }, metadata_admin: { note: 'b' },
      verifiable_addresses: [{ value: email, via: 'email', verified: true, status: 'completed' }],
    },
  });
  assert.equal(status, 201);
  const { id } = identity;
  assert.equal(identity.external_id, external_id);
  assert.deepEqual(identity.metadata_admin, { note: 'b' });
  assert.equal(identity.verifiable_addresses?.[0]?.verified, true);
  assert.equal((await admin.getIdentity({ id })).data.traits.email, email);
  assert.equal((await admin.getIdentityByExternalID({ externalID: external_id })).data.id, id);
  await refused<Refusal>(admin.createIdentity({ createIdentityBody: { schema_id: 'default', traits: { email } } }), 409);

  const { data: replaced } = await admin.updateIdentity({
    id, updateIdentityBody: { schema_id: 'default', state: 'inactive', traits: { email, name: 'New Name' } },
  });
  assert.equal(replaced.state, 'inactive');
  assert.equal(replaced.traits.name, 'New Name');
  assert.equal(replaced.metadata_public, null);
  assert.equal(replaced.external_id, undefined);

  const { data: patched } = await admin.patchIdentity({
    id,
    jsonPatch: [
      { op: 'replace', path: '/state', value: 'active' },
      { op: 'add', path: '/metadata_public', value: { plan: 'c' } },
    ],
  });
  assert.equal(patched.state, 'active');
  assert.deepEqual(patched.metadata_public, { plan: 'c' });
  await refused<Refusal>(admin.patchIdentity({ id, jsonPatch: [{ op: 'replace', path: '/id', value: randomUUID() }] }), 400);
  await refused<Refusal>(admin.patchIdentity({ id, jsonPatch: [{ op: 'remove', path: '/traits/email' }] }), 400);

  assert.equal((await admin.deleteIdentity({ id })).status, 204);
  const gone = await refused<Refusal>(admin.getIdentity({ id }), 404);
  assert.equal(gone.error.code, 404);
});

test('identities are listed page by page until none is left', async () => {
  const expected = new Set<string>();
  for (let count = 0; count < 5; count += 1) expected.add((await created()).id);
  const ids = [...expected];
  const seen: string[] = [];
  let pageToken: string | undefined;
  let pages = 0;
  do {
    const page = await admin.listIdentities({ pageSize: 2, ...(pageToken !== undefined && { pageToken }) });
    assert.ok(page.data.length <= 2);
    assert.equal(page.data[0]?.credentials, undefined);
    seen.push(...page.data.map((identity) => identity.id));
    const next = /<([^>]+)>; *rel="next"/.exec(String(page.headers['link'] ?? ''))?.[1];
    pageToken = next ? new URL(next, adminUrl).searchParams.get('page_token') ?? undefined : undefined;
    pages += 1;
  } while (pageToken !== undefined && pages < 200);
  assert.ok(pages >= 3);
  assert.equal(new Set(seen).size, seen.length);
  assert.ok(ids.every((id) => seen.includes(id)));

  const { data: two } = await admin.listIdentities({ ids: ids.slice(0, 2) });
  assert.deepEqual(two.map((identity) => identity.id).sort(), ids.slice(0, 2).sort());
  const legacy = await admin.listIdentities({ page: 0, perPage: 1 });
  assert.equal(legacy.data.length, 1);
  assert.ok(Number(legacy.headers['x-total-count']) >= 5);
});

test('an imported link lets its person in, and can be taken away', async () => {
  const person = await newPerson();
  const sub = await subject(person, 'partner');
  const { data: identity } = await admin.createIdentity({
    createIdentityBody: {
      schema_id: 'default',
      traits: { email: person.email },
      credentials: { oidc: { config: { providers: [
        { provider: 'partner', subject: sub },
        { provider: 'microsoft', subject: 'a subject of nobody' },
      ] } } },
    },
  });
  const identifiers = [`partner:${sub}`, 'microsoft:a subject of nobody'];
  assert.deepEqual([...(identity.credentials?.['oidc']?.identifiers ?? [])].sort(), identifiers.sort());
  const { data: full } = await admin.getIdentity({ id: identity.id, includeCredential: ['oidc'] });
  assert.ok(full.credentials?.['oidc']?.config);
  const { data: found } = await admin.listIdentities({ credentialsIdentifier: `partner:${sub}` });
  assert.deepEqual(found.map((one) => one.id), [identity.id]);

  const browser = new Browser(person);
  await browser.signIn('partner');
  assert.equal((await browser.frontend.toSession()).data.identity?.id, identity.id);

  await refused<Refusal>(admin.deleteIdentityCredentials({ id: identity.id, type: 'oidc' }), 400);
  const gone = await admin.deleteIdentityCredentials({
    id: identity.id, type: 'oidc', identifier: 'microsoft:a subject of nobody',
  });
  assert.equal(gone.status, 204);
  assert.deepEqual((await admin.getIdentity({ id: identity.id })).data.credentials?.['oidc']?.identifiers, [`partner:${sub}`]);
  await refused<Refusal>(admin.deleteIdentityCredentials({
    id: identity.id, type: 'oidc', identifier: `partner:${sub}`,
  }), 400);
});

test('a batch creates what it can and says what it could not', async () => {
  const taken = address();
  await created(taken);
  const fine = randomUUID();
  const clash = randomUUID();
  const { data } = await admin.batchPatchIdentities({
    patchIdentitiesBody: {
      identities: [
        { patch_id: fine, create: { schema_id: 'default', traits: { email: address() } } },
        { patch_id: clash, create: { schema_id: 'default', traits: { email: taken } } },
      ],
    },
  });
  const outcomes = new Map((data.identities ?? []).map((one) => [one.patch_id, one]));
  assert.equal(outcomes.get(fine)?.action, 'create');
  assert.ok(outcomes.get(fine)?.identity);
  assert.equal(outcomes.get(clash)?.action, 'error');
  assert.ok(outcomes.get(clash)?.error);
});

test('sessions are listed, read, extended and ended by the administrator', async () => {
  const person = await newPerson();
  const browser = new Browser(person);
  await browser.signIn();
  const { data: mine } = await browser.frontend.toSession();
  const identity = mine.identity?.id ?? '';
  const { data: listed } = await admin.listSessions({ pageSize: 500, active: true, expand: ['identity', 'devices'] });
  const found = listed.find((session) => session.id === mine.id);
  assert.equal(found?.identity?.id, identity);
  assert.equal(found?.devices?.length, 1);
  assert.ok(found?.identity?.metadata_admin);
  assert.deepEqual((await admin.listIdentitySessions({ id: identity })).data.map((session) => session.id), [mine.id]);

  const { data: read } = await admin.getSession({ id: mine.id, expand: ['identity'] });
  assert.equal(read.identity?.traits.email, person.email);
  const { data: extended } = await admin.extendSession({ id: mine.id });
  assert.ok(Date.parse(extended.expires_at ?? '') >= Date.parse(mine.expires_at ?? ''));

  assert.equal((await admin.disableSession({ id: mine.id })).status, 204);
  await refused<Refusal>(browser.frontend.toSession(), 401);
  assert.equal((await admin.getSession({ id: mine.id })).data.active, false);

  const again = new Browser(person);
  await again.signIn();
  const { data: managed } = await admin.manageSessions({ manageSessionsBody: { action: 'disable', identities: [identity] } });
  assert.equal(managed.processed, 1);
  assert.equal(managed.more, false);
  await refused<Refusal>(again.frontend.toSession(), 401);
  assert.equal((await admin.deleteIdentitySessions({ id: identity })).status, 204);
  await refused<Refusal>(admin.deleteIdentitySessions({ id: identity }), 404);
  await refused<Refusal>(admin.getSession({ id: randomUUID() }), 404);
});

test('an identity that was made inactive cannot sign in', async () => {
  const person = await newPerson();
  const browser = new Browser(person);
  await browser.signIn();
  const id = (await browser.frontend.toSession()).data.identity?.id ?? '';
  await admin.patchIdentity({ id, jsonPatch: [{ op: 'replace', path: '/state', value: 'inactive' }] });
  await refused<Refusal>(browser.frontend.toSession(), 401);
  const end = await new Browser(person).signIn();
  assert.equal(end.pathname, '/login');
});

test('a test login is made for one provider', async () => {
  const { data: flow } = await admin.createTestLoginFlow({ createTestLoginFlowBody: { provider_id: 'partner' } });
  assert.equal(flow.test_context?.provider_id, 'partner');
  assert.deepEqual(values(flow.ui, 'provider'), ['partner']);
});
