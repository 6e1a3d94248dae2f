// People on their way to a guarded page, through each proxy as its program from elsewhere with the shipped configuration.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { proxies } from './proxies.mjs';
import { Site, seenIn } from './site.mjs';
import { Visitor, launch } from './visitor.mjs';

const { FOLDER, PROXIES = 'nginx caddy haproxy' } = process.env;

/** Names that the application takes for the proxy's word, as far as a visitor can write them. */
const LIES = {
  'X-User-Id': 'admin', 'x-user-email': 'admin@contoso.example', 'X-User-Roles': 'Admin',
  'X_User_Id': 'admin', 'X-User_Id': 'admin', 'X_User-Id': 'admin', 'X_User_Email': 'admin@contoso.example',
};
/** What Bia believes of a proxy. */
const DISGUISE = {
  'X-Forwarded-For': '203.0.113.9', 'X-Real-IP': '203.0.113.9', 'True-Client-IP': '203.0.113.9',
  'CF-Connecting-IP': '203.0.113.9', 'CF-IPCity': 'Nowhere', 'CF-IPCountry': 'ZZ', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'http',
  'X-Request-ID': 'chosen-by-the-visitor', 'traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'tracestate': 'vendor=chosen',
};
/** None of it in a header of a request that reaches Bia; `X-Forwarded-Proto: http` is the only short one. */
const DISGUISED = /203\.0\.113\.9|evil\.example|Nowhere|: ZZ\r|chosen|0af7651916cd43dd|^x-forwarded-proto: http\r/im;
const DEEP = '/reports/2026?from=a%26b&to=c+d&empty=&path=%2Fx%2F..%2Fy';
/** Guarded pages by way of an open one: what many servers, and some servers only, read as a step up. */
const DETOURS = [
  '/public/../reports', '/public/%2e%2e/reports', '/public/.%2E/reports', '/public/..%2freports', '/public/..%2Freports', '/public/x/../../reports',
  '/public/..', '/public/%2e%2e', '/public//../reports', '/public/./../reports', '/public/../reports%zz', '/public/../reports%00', '/public/%00/../reports',
  '/public/..;/reports', '/public/..;x=y/reports', '/public/..%3b/reports', '/public/%2e%2e%3B/reports', '/public/..\\reports', '/public/..%5creports',
  '/public%2f..%2freports', '/public/#/../reports', '/public/../reports?x=/public/', '/PUBLIC/../reports',
];
const PAGE = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const SCRIPT = { accept: 'application/json' };

let chrome;
before(async () => (chrome = await launch()));
after(() => chrome?.close());

/** Values under the name of an identity header, however it is spelled. */
function told(seen, name) {
  const same = (other) => other.toLowerCase().replaceAll('_', '-') === name;
  const values = seen.raw.filter((_, at) => at % 2 === 1 && same(seen.raw[at - 1]));
  return values.filter((value) => value !== '');
}

for (const name of PROXIES.split(' ').filter(Boolean)) {
  describe(`${name} ${version(name)}`, () => journeys(name));
}

function version(name) {
  const { program, version } = proxies[name];
  const text = execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', program, ...version], { encoding: 'utf8' });
  return text.match(/(?<!go)(?<![.\d])v?\d+\.\d+\.\d+\S*/)?.[0] ?? 'of an unknown version';
}

function journeys(name) {
  let site;
  before(async () => {
    site = await Site.start(`${FOLDER}/${name}`, { overlay: proxies[name].overlay });
    await site.startProxy(name, proxies[name].start(site));
  });
  after(() => site?.stop());

  test('a visitor signs in, is back at the very page, and is known to the application', async () => {
    const visitor = await Visitor.open(chrome, site, LIES);
    const asked = site.app.asked;
    await visitor.visit(DEEP);
    assert.equal(site.app.asked, asked, 'the application was not asked');
    await visitor.signInAs('alice');
    await visitor.arrives(proxies[name].returnsTo?.(DEEP) ?? DEEP);
    const seen = await visitor.seen();
    assert.equal(seen.url, proxies[name].returnsTo?.(DEEP) ?? DEEP);
    const session = JSON.parse((await visitor.fetch('/sessions/whoami')).body);
    assert.deepEqual(told(seen, 'x-user-id'), [session.identity.id]);
    assert.deepEqual(told(seen, 'x-user-email'), ['alice@contoso.example']);
    assert.deepEqual(told(seen, 'x-user-roles'), ['Admin,Reader']);

    // The public https address, byte for byte, and nothing else.
    assert.deepEqual([...new Set(visitor.callbacks())], [site.callback]);
    assert.ok(visitor.addresses.some((address) => address.startsWith(`${site.callback}?`)), 'the callback went through the proxy');

    const cookies = await visitor.context.cookies(site.public);
    for (const wanted of ['ory_kratos_session', 'ory_kratos_continuity', 'csrf_token_']) {
      const cookie = cookies.find((cookie) => cookie.name.startsWith(wanted));
      assert.ok(cookie, `there is a cookie ${wanted}`);
      assert.deepEqual([cookie.secure, cookie.httpOnly, cookie.sameSite], [true, true, 'Lax'], wanted);
    }

    // Signing out locks the page again.
    const address = await visitor.signOut();
    assert.ok(address.startsWith(`${site.public}/self-service/logout?token=`), address);
    await visitor.visit('/reports');
    await visitor.page.waitForURL(`${site.public}/ui/login?**`);
    await visitor.close();
  });

  test('a lie in a header reaches nobody, even where the answer has no such header', async () => {
    const before = site.door.said.length;
    const visitor = await Visitor.open(chrome, site, { ...LIES, ...DISGUISE });
    await visitor.visit('/reports');
    await visitor.signInAs('carol');
    await visitor.arrives('/reports');
    const seen = await visitor.seen();
    const session = JSON.parse((await visitor.fetch('/sessions/whoami')).body);
    assert.deepEqual(told(seen, 'x-user-id'), [session.identity.id]);
    // Carol's address is unproven and she has no role.
    assert.deepEqual([told(seen, 'x-user-email'), told(seen, 'x-user-roles')], [[], []]);
    assert.ok(!JSON.stringify(session.devices).includes('203.0.113.9'), `the session keeps no false address: ${JSON.stringify(session.devices)}`);
    await visitor.close();
    // Every request of this test that came to Bia: the pages, and what the proxy asked by itself.
    const script = await site.ask('/reports', { headers: { ...SCRIPT, ...LIES, ...DISGUISE } });
    assert.equal(script.status, 401, script.body);
    const said = site.door.said.slice(before);
    assert.match(said, /^GET \/sessions\/(whoami|forward-auth) /m);
    if (proxies[name].believed) assert.doesNotMatch(said, DISGUISED);

    const open = await site.ask('/public/page', { headers: LIES });
    assert.equal(open.status, 200);
    for (const header of ['x-user-id', 'x-user-email', 'x-user-roles']) {
      assert.deepEqual(told(seenIn(open.body), header), [], `an open page, ${header}`);
    }
  });

  test('without a session no request reaches the application', async () => {
    const before = site.app.asked;
    const guarded = ['/', '/reports', '/admin/identities', '/ui/../reports', '//reports', '/Sessions/whoami'];
    for (const path of [...guarded, ...DETOURS]) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const page = await site.ask(path, { method, headers: { ...PAGE, ...LIES } });
        assert.ok(page.status >= 300, `${method} ${path}: ${page.status}`);
        assert.ok(!page.body.includes('credentials_identifier'), 'nothing of the admin port');
      }
      const script = await site.ask(path, { headers: { ...SCRIPT, ...LIES } });
      assert.ok(script.status >= 300, `script ${path}: ${script.status}`);
    }
    const refused = await site.ask('/reports', { headers: SCRIPT });
    assert.equal(refused.status, 401, refused.body);
    const forged = await site.ask('/reports', { headers: { ...PAGE, cookie: 'ory_kratos_session=forged' } });
    assert.ok(forged.status >= 300, 'a forged cookie');
    assert.equal(site.app.asked, before);
  });

  test('no host that a visitor names makes a callback, a link or a way back', async () => {
    for (const host of ['evil.example', `evil.example:${site.proxyPort}`, `app.example.com.evil.example:${site.proxyPort}`]) {
      for (const path of ['/self-service/login/browser', '/reports', '/sessions/forward-auth']) {
        // A proxy may as well hang up.
        const answer = await site.ask(path, { host, headers: PAGE }).catch(() => ({ headers: {}, body: '' }));
        assert.ok(!String(answer.headers.location ?? '').includes('evil.example'), `${host}${path}: ${answer.headers.location}`);
        assert.equal(answer.headers['set-cookie'], undefined, `${host}${path}`);
      }
    }
    const begun = await site.ask('/self-service/login/browser', { headers: { ...SCRIPT, ...DISGUISE } });
    assert.equal(begun.status, 200, begun.body);
    const flow = JSON.parse(begun.body);
    assert.equal(flow.ui.action, `${site.public}/self-service/login?flow=${flow.id}`);
    assert.ok(!flow.request_url.includes('evil.example'), flow.request_url);
    const cookie = begun.headers['set-cookie'].map((text) => text.split(';')[0]).join('; ');
    const pressed = await site.ask(`/self-service/login?flow=${flow.id}`, {
      method: 'POST', headers: { ...PAGE, ...DISGUISE, cookie, 'content-type': 'application/x-www-form-urlencoded' }, body: 'provider=microsoft',
    });
    assert.equal(new URL(pressed.headers.location).searchParams.get('redirect_uri'), site.callback);
    const back = await site.ask('/reports', { headers: { ...PAGE, ...DISGUISE, 'X-Forwarded-Uri': '//evil.example/' } });
    assert.equal(new URL(new URL(back.headers.location).searchParams.get('return_to')).origin, site.public, back.headers.location);
  });

  test('when Bia is gone the page stays shut', async () => {
    const before = site.app.asked;
    await site.stopBia();
    for (const headers of [PAGE, SCRIPT]) {
      const answer = await site.ask('/reports', { headers: { ...headers, ...LIES, cookie: 'ory_kratos_session=x' } });
      assert.ok(answer.status >= 300, `${answer.status}`);
    }
    assert.equal(site.app.asked, before);
  });
}
