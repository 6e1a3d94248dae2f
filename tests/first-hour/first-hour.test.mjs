// Somebody in an empty folder who types what the README says, and nothing else: `bia dev` and a sign-in; then a
// configuration for a tenant, the doctor, the server, nginx, and a page that nobody sees without signing in.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Process, freePorts, until } from '../proxies/processes.mjs';
import { HOST, application, certificate, seenIn } from '../proxies/site.mjs';
import { Visitor, launch } from '../proxies/visitor.mjs';
import { commandsBelow, withOwnValues } from './readme.mjs';

const { BIA, STAND_IN, ROOT, FOLDER, CLONE, CARGO_TARGET_DIR } = process.env;
const README = `${ROOT}/README.md`;

const running = [];
let chrome;
before(async () => (chrome = await launch()));
after(async () => {
  await chrome?.close();
  for (const one of running.reverse()) await one.stop();
});

/** A command that goes on until the end of the tests. */
function begin(name, folder, command, env) {
  mkdirSync(folder, { recursive: true });
  const process = new Process(name, folder, 'bash', ['-c', `exec ${command}`], { env });
  running.push(process);
  return process;
}

test('bia dev, and a sign-in', async () => {
  const [command] = commandsBelow(README, 'Try it');
  assert.equal(command, 'cargo run --release -- dev');
  // In a clone the very command; without one the program that was built by somebody else.
  const inClone = Boolean(CLONE);
  const env = inClone ? { HOME: process.env.HOME, CARGO_TARGET_DIR } : {};
  const dev = begin('dev', `${FOLDER}/dev`, inClone ? `env -C ${CLONE} ${command}` : command.replace('cargo run --release --', BIA), env);
  let url;
  await dev.ready('the URL of bia dev', () => (url = dev.text.match(/^ {4}(http:\/\/127\.0\.0\.1:\d+\/\S*)$/m)?.[1]));
  const context = await chrome.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(new URL('/self-service/login/browser', url).href);
  await page.locator('button[name="provider"]').first().click();
  await page.locator('a[href*="pick=alice&"], a[href$="pick=alice"]').click();
  await page.waitForURL(`${new URL('/', url).href}**`);
  await page.getByText('alice@contoso.example').first().waitFor();
  await context.close();
  await dev.stop();
});

test('from nothing to a protected page', async (t) => {
  const folder = `${FOLDER}/protected`;
  mkdirSync(folder, { recursive: true });
  const [proxyPort, biaPort, adminPort, appPort] = await freePorts(4);
  const site = { public: `https://${HOST}:${proxyPort}`, proxyPort, folder };
  // What the README takes for granted: an application, nginx with a certificate, a registration and its secret.
  site.app = await application(appPort);
  t.after(() => site.app.close());
  certificate(folder);
  site.standIn = await startStandIn();
  const etc = installNginx(folder);

  const typed = withOwnValues(commandsBelow(README, 'From nothing to a protected page'), [
    ['8eaef023-2b34-4da1-9baa-8bc8c9d6a490', 'c0470500-0000-4000-8000-000000000001'],
    ['00001111-aaaa-2222-bbbb-3333cccc4444', '7e57c11e-0000-4000-8000-000000000001'],
    [`https://${HOST}`, site.public],
    ['/etc/', `${etc}/`],
    ['sudo ', ''],
  ]);
  const wanted = ['bia init', 'bia doctor', 'bia serve', 'cp proxy/nginx.conf', 'nginx -s reload'];
  assert.deepEqual(typed.map((command) => wanted.find((start) => command.startsWith(start))), wanted);

  // Microsoft is far away: the provider's hosts are the one thing that the environment says.
  const key = 'SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_MICROSOFT';
  const env = {
    PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder, [`${key}_AUTHORITY_HOST`]: site.standIn, [`${key}_GRAPH_HOST`]: site.standIn,
  };
  const run = (command) => {
    const done = spawnSync('bash', ['-c', command], { cwd: folder, env, encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] });
    assert.equal(done.status, 0, `${command}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  };
  const [init, doctor, serve, ...nginx] = typed;
  // What the command leaves out is asked for: the secret, and the database, where Enter is enough.
  const told = await atTerminal(init, { cwd: folder, env }, [
    ['Client secret: its Value', 'stand-in~Test.Client_0123456789abcdefghij'], ['Database?', ''],
  ]);
  const callback = `${site.public}/self-service/methods/oidc/callback/microsoft`;
  assert.ok(told.includes(callback), told);
  // Other tests may use the usual ports of this machine, and its certificates are elsewhere.
  change(`${folder}/kratos.yml`, [['port: 4433', `port: ${biaPort}`], ['port: 4434', `port: ${adminPort}`], ['127.0.0.1:4434', `127.0.0.1:${adminPort}`]]);
  change(`${folder}/proxy/nginx.conf`, [
    ['127.0.0.1:4433', `127.0.0.1:${biaPort}`], ['127.0.0.1:3000', `127.0.0.1:${appPort}`], ['/etc/ssl/', `${etc}/ssl/`],
  ]);
  assert.ok(run(doctor).includes(callback));
  const bia = begin('bia', folder, serve, env);
  await bia.ready('an answer of Bia', () => fetch(`http://127.0.0.1:${biaPort}/health/ready`).then((answer) => answer.ok, () => false));
  const service = begin('nginx', folder, 'nginx', env);
  await service.ready('nginx', () => existsSync(`${folder}/nginx.pid`));
  nginx.forEach(run);

  const visitor = await Visitor.open(chrome, site, { 'X-User-Id': 'admin' });
  const answers = () => visitor.visit('/reports?year=2026&month=11').catch(() => undefined);
  await service.ready('the new configuration of nginx', async () => (await answers())?.ok());
  assert.equal(site.app.asked, 0, 'nobody saw the page');
  await visitor.signInAs('alice');
  await visitor.arrives('/reports?year=2026&month=11');
  const seen = seenIn((await visitor.page.content()).replaceAll('&amp;', '&'));
  const session = JSON.parse((await visitor.fetch('/sessions/whoami')).body);
  assert.equal(seen.headers['x-user-id'], session.identity.id);
  assert.equal(seen.headers['x-user-email'], 'alice@contoso.example');
  assert.deepEqual([...new Set(visitor.callbacks())], [callback]);
  await visitor.signOut();
  const before = site.app.asked;
  await visitor.visit('/reports');
  await visitor.page.waitForURL(`${site.public}/ui/login?**`);
  assert.equal(site.app.asked, before, 'signed out, nobody sees the page again');
  await visitor.close();
});

/** Types a command at a terminal, and each answer once its question is there. */
async function atTerminal(command, options, answers) {
  // `script`, of every Linux, is what gives it a terminal.
  const child = spawn('script', ['-qec', command, '/dev/null'], { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  let text = '';
  for (const out of [child.stdout, child.stderr]) out.setEncoding('utf8').on('data', (more) => (text += more));
  child.stdin.on('error', () => {});
  const ended = new Promise((done, fail) => child.once('close', done).once('error', fail));
  for (const [question, answer] of answers) {
    await until(question, () => child.exitCode !== null || text.includes(question));
    // Nobody types sooner: what comes before a terminal hides what is typed is thrown away.
    await new Promise((done) => setTimeout(done, 500));
    child.stdin.write(`${answer}\n`);
  }
  assert.equal(await ended, 0, `${command}: ${text}`);
  return text;
}

async function startStandIn() {
  const standIn = new Process('stand-in', FOLDER, STAND_IN, [], { stdin: 'pipe' });
  running.push(standIn);
  let url;
  await standIn.ready('the address of the stand-in', () => (url = standIn.text.match(/^http:\/\/\S+$/m)?.[0]));
  return url;
}

/** nginx as a distribution sets it up, in a folder of this test; and `bia` on the path. */
function installNginx(folder) {
  const etc = `${folder}/etc`;
  for (const one of ['nginx/conf.d', 'ssl/certs', 'ssl/private']) mkdirSync(`${etc}/${one}`, { recursive: true });
  cpSync(`${folder}/certificate.pem`, `${etc}/ssl/certs/${HOST}.pem`);
  cpSync(`${folder}/key.pem`, `${etc}/ssl/private/${HOST}.key`);
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`);
  writeFileSync(`${etc}/nginx/nginx.conf`, `daemon off;\npid ${folder}/nginx.pid;\nerror_log ${folder}/nginx-errors.log info;\n`
    + `events { worker_connections 256; }\nhttp {\naccess_log off;\n${scratch.join('\n')}\ninclude ${etc}/nginx/conf.d/*.conf;\n}\n`);
  mkdirSync(`${folder}/bin`, { recursive: true });
  const real = spawnSync('sh', ['-c', 'command -v nginx'], { encoding: 'utf8' }).stdout.trim();
  const script = (name, text) => writeFileSync(`${folder}/bin/${name}`, `#!/bin/sh\nexec ${text} "$@"\n`, { mode: 0o755 });
  script('nginx', `${real} -e ${folder}/nginx-errors.log -p ${folder} -c ${etc}/nginx/nginx.conf`);
  script('bia', path.resolve(BIA));
  return etc;
}

function change(file, replacements) {
  let text = readFileSync(file, 'utf8');
  for (const [from, to] of replacements) {
    assert.ok(text.includes(from), `${file} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  writeFileSync(file, text);
}
