// The image, the compose quickstart and the Kubernetes manifest, run without Docker or a cluster: `run` gives this
// process namespaces of its own. MANIFESTS names the program that reads the files.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync, chownSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { asVolume, build, missingSources, runIn, startContainer } from './image.mjs';
import { startPostgres } from './postgres.mjs';
import { adminUrl, endAll, isReady, publicUrl, root, run, startStandIn, writeConfiguration } from './programs.mjs';
import { until } from '../proxies/processes.mjs';
import { Visitor } from './visitor.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'bia-container-'));
const contrib = path.join(root, 'contrib');
const USER = 65532;
const SECRET = 'b1a5ec3e'.repeat(8);
let description;
let image;

async function manifests(...args) {
  const { code, text } = await run(process.env.MANIFESTS, args);
  assert.equal(code, 0, text);
  return JSON.parse(text);
}

/** The process of the program, as this machine sees it: what runs it is its ancestor. */
function processes() {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const field = (name) => status.match(new RegExp(`^${name}:\\s*(.*)$`, 'm'))?.[1];
      return field('Name') === 'bia' ? [{ pid, field, arguments: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0') }] : [];
    } catch {
      return [];
    }
  });
}
const served = () => processes().find((process) => process.arguments[1] === 'serve');

/** A file of `contrib` as somebody fills it in; `config check` says what is left to do. */
function filled(file, gaps) {
  return gaps.reduce((text, [gap, value]) => {
    assert.ok(text.includes(gap), `${file} has no ${gap}`);
    return text.replaceAll(gap, value);
  }, readFileSync(file, 'utf8'));
}

function volume(name) {
  const at = path.join(folder, name);
  mkdirSync(at, { recursive: true });
  // As a fresh volume takes owner and mode of the folder in the image.
  const { uid, gid } = statSync(path.join(image.folder, 'var/lib/bia'));
  chownSync(at, uid, gid);
  return at;
}

before(async () => {
  description = await manifests('dockerfile', path.join(contrib, 'docker/Dockerfile'), root);
  image = build(description, folder);
});
afterEach(endAll);
after(endAll);

test('the build context holds every source of the program', () => {
  assert.deepEqual(missingSources(description.context), []);
});

test('the image has the program, certificates and no shell', async () => {
  assert.equal((await runIn(image, ['/usr/local/bin/bia', 'version'])).code, 0);
  assert.ok(statSync(path.join(image.folder, 'etc/ssl/certs/ca-certificates.crt')).size > 100_000);
  for (const shell of ['bin/sh', 'usr/bin/sh', 'bin/busybox']) assert.equal(statSync(path.join(image.folder, shell), { throwIfNoEntry: false }), undefined);
  assert.equal(image.user, `${USER}:${USER}`);
  assert.equal(statSync(path.join(image.folder, 'var/lib/bia')).uid, USER);
});

test('the image is small', { skip: !process.env.BIA.includes('/release/') && 'a debug build is not' }, async () => {
  const { text } = await run('du', ['-s', '--block-size=1M', '--apparent-size', image.folder]);
  const size = Number.parseInt(text, 10);
  assert.ok(size > 0 && size <= 80, `${size} MiB`);
});

test('a container signs people in, keeps them in its volume, and writes nowhere else', async () => {
  const standIn = await startStandIn();
  const configuration = path.join(folder, 'etc-bia');
  writeConfiguration(configuration, { dsn: 'sqlite:///var/lib/bia/bia.sqlite', standIn: standIn.url, seenAs: '/etc/bia' });
  const options = {
    mounts: [
      { source: configuration, target: '/etc/bia', readOnly: true },
      { source: volume('sqlite'), target: '/var/lib/bia' },
      { scratch: true, target: '/tmp' },
    ],
  };
  const health = () => runIn(image, image.health, options);
  assert.notEqual((await health()).code, 0, 'healthy before it is started');
  let container = await isReady(startContainer(image, options));
  assert.equal((await health()).code, 0);

  const { field, pid } = served();
  assert.equal(field('Uid').split('\t')[0], String(USER));
  assert.equal(field('NSpid').split('\t').at(-1), '1', 'it is the first process, as in every container');
  assert.equal(field('CapEff'), '0000000000000000');
  assert.equal(field('NoNewPrivs'), '1');
  const writable = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n').map((line) => line.split(' '))
    .filter(([, , , , , mode]) => mode.split(',').includes('rw')).map(([, , , , target]) => target);
  assert.deepEqual(writable.filter((target) => !/^\/(proc|dev)(\/|$)/.test(target)).sort(), ['/tmp', '/var/lib/bia']);

  const visitor = new Visitor();
  const session = await visitor.signIn(publicUrl);
  assert.doesNotMatch(container.text, /landlock|seccomp/i, 'a mapper worker lacks a layer of its sandbox');

  process.kill(Number(pid), 'SIGTERM');
  assert.equal(await container.ended, 0, container.text);
  container = await isReady(startContainer(image, options));
  assert.equal((await visitor.whoami(publicUrl)).id, session.id);
});

test('the compose quickstart serves from PostgreSQL with what .env says', async () => {
  const project = path.join(folder, 'compose');
  cpSync(path.join(contrib, 'compose'), project, { recursive: true });
  // What the first lines of compose.yml ask for.
  writeFileSync(path.join(project, 'bia/client-secret'), 'a.secret~of-the-app-registration_0123456\n');
  const gaps = [['replace-with-another-one', 'Secret123'], ['replace-with-64-random-hexadecimal-characters', SECRET]];
  writeFileSync(path.join(project, '.env'), filled(path.join(project, '.env.example'), gaps));
  const { bia: service, database } = await manifests('compose', path.join(project, 'compose.yml'), path.join(project, '.env'));
  assert.equal(database.POSTGRES_PASSWORD, 'Secret123');
  await startPostgres(path.join(folder, 'pg-compose'), { user: database.POSTGRES_USER, name: database.POSTGRES_DB, password: database.POSTGRES_PASSWORD });
  writeFileSync(path.join(image.folder, 'etc/hosts'), '127.0.0.1 localhost postgres\n');
  const container = await isReady(startContainer(image, service));
  assert.equal((await runIn(image, image.health, service)).code, 0);
  const flow = await (await fetch(`${publicUrl}/self-service/login/browser`, { headers: { Accept: 'application/json' } })).json();
  assert.ok(flow.ui.nodes.some(({ attributes }) => attributes.value === 'microsoft'), JSON.stringify(flow));
  assert.ok(flow.ui.action.startsWith('https://id.example.com/'), flow.ui.action);
  const check = await runIn(image, ['/usr/local/bin/bia', 'config', 'check', '--config', '/etc/bia/kratos.yml'], service);
  assert.equal(check.code, 0, check.text);
  assert.doesNotMatch(container.text, /"level":"ERROR"| ERROR /);
});

test('the Kubernetes pod is ready, alive and scraped where the manifest says', async () => {
  const gaps = [['replace-me-with-the-value-of-the-secret', 'a.secret~of-the-app-registration_0123456'], ['replace-me-with-64-random-hexadecimal-characters', SECRET]];
  const manifest = path.join(folder, 'bia.yaml');
  writeFileSync(manifest, filled(path.join(contrib, 'kubernetes/bia.yaml'), gaps));
  const pod = await manifests('kubernetes', manifest);
  const dsn = await startPostgres(path.join(folder, 'pg-kubernetes'), { user: 'bia', name: 'bia', password: 'Secret123' });
  const options = {
    arguments: pod.arguments,
    environment: { ...pod.environment, DSN: dsn },
    mounts: pod.mounts.map(({ files, ...mount }, index) => (files ? { ...mount, source: asVolume(path.join(folder, `volume-${index}`), files) } : mount)),
  };
  const container = await isReady(startContainer(image, options));
  for (const [probe, url] of Object.entries(pod.probes)) assert.equal((await fetch(url)).status, 200, probe);
  assert.equal((await fetch(`${adminUrl}/metrics/prometheus`)).status, 200);
  const check = await runIn(image, ['/usr/local/bin/bia', 'config', 'check', '--config', '/etc/bia/kratos.yml'], options);
  assert.equal(check.code, 0, check.text);

  // A new ConfigMap arrives as the kubelet brings it: one link is exchanged.
  const volume = options.mounts.find(({ target }) => target === '/etc/bia').source;
  const files = pod.mounts.find(({ target }) => target === '/etc/bia').files;
  const next = path.join(volume, '..2026_01_02');
  mkdirSync(next);
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path.join(next, name), text.replace('provider: microsoft\n', 'provider: microsoft\n            label: Changed\n'));
  }
  await run('bash', ['-c', 'ln -s ..2026_01_02 "$1/..tmp" && mv -T "$1/..tmp" "$1/..data"', '-', volume]);
  await until('the change to count', async () => {
    const flow = await fetch(`${publicUrl}/self-service/login/browser`, { headers: { Accept: 'application/json' } });
    return JSON.stringify(await flow.json()).includes('Changed');
  }).catch((error) => { throw new Error(`${error.message}\n${container.text}`); });
});
