// Everything around one proxy: the stand-in for Entra, Bia, an application, a certificate; and how to ask the proxy.
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { connect, createServer as createTcpServer } from 'node:net';
import { Process, freePorts } from './processes.mjs';

export const HOST = 'app.example.com';
const { BIA, STAND_IN, ROOT } = process.env;

/** Replaces parts of a file that is shipped; each has to be there, so that a change of the file is noticed. */
export function adapt(file, replacements) {
  let text = readFileSync(`${ROOT}/contrib/proxies/${file}`, 'utf8');
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    text = text.replaceAll(from, () => to);
  }
  return text;
}

/** An application that shows whoever comes what arrived here. */
export async function application(port) {
  const app = createServer((request, response) => {
    app.asked += 1;
    const seen = { method: request.method, url: request.url, headers: request.headers, raw: request.rawHeaders };
    request.resume();
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>Reports</title><pre id="seen">${JSON.stringify(seen).replaceAll('<', '&lt;')}</pre>`);
  });
  app.asked = 0;
  app.listen(port, '127.0.0.1');
  await once(app, 'listening');
  return app;
}

/** What the application says that it saw. */
export function seenIn(html) {
  return JSON.parse(html.match(/<pre id="seen">(.*)<\/pre>/s)[1].replaceAll('&lt;', '<'));
}

/** The way to Bia; `said` is all that came by, byte for byte. */
async function door(innerPort) {
  const sockets = new Set();
  const way = createTcpServer((outside) => {
    const inside = connect(innerPort, '127.0.0.1');
    for (const [from, to] of [[outside, inside], [inside, outside]]) {
      sockets.add(from);
      from.on('error', () => {}).on('close', () => (to.destroy(), sockets.delete(from))).pipe(to);
    }
    outside.on('data', (data) => (way.said += data.toString('latin1')));
  });
  way.said = '';
  way.listen(0, '127.0.0.1');
  await once(way, 'listening');
  way.port = way.address().port;
  way.stop = async () => {
    const closed = way.listening ? once(way, 'close') : undefined;
    way.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return way;
}

export class Site {
  #running = [];

  static async start(folder, { overlay = [] } = {}) {
    const site = new Site();
    site.folder = folder;
    mkdirSync(folder, { recursive: true });
    [site.proxyPort, site.innerPort, site.adminPort, site.appPort, site.sparePort] = await freePorts(5);
    site.public = `https://${HOST}:${site.proxyPort}`;
    site.callback = `${site.public}/self-service/methods/oidc/callback/microsoft`;
    certificate(folder);
    site.app = await application(site.appPort);
    await site.#startStandIn();
    await site.#startBia(overlay);
    site.door = await door(site.innerPort);
    site.biaPort = site.door.port;
    return site;
  }

  async #startStandIn() {
    // It ends when its standard input does, and so never outlives this script.
    const standIn = new Process('stand-in', this.folder, STAND_IN, [], { stdin: 'pipe' });
    this.#running.push(standIn);
    await standIn.ready('the address of the stand-in', () => {
      this.standIn = standIn.text.match(/^http:\/\/\S+$/m)?.[0];
      return this.standIn;
    });
  }

  async #startBia(overlay) {
    const base = readFileSync(new URL('kratos.yml', import.meta.url), 'utf8')
      .replaceAll('@FOLDER@', this.folder).replaceAll('@ROOT@', ROOT).replaceAll('@STAND_IN@', this.standIn);
    writeFileSync(`${this.folder}/kratos.yml`, base);
    writeFileSync(`${this.folder}/proxy.yml`, adapt('kratos.yml', [
      [`https://${HOST}/`, `${this.public}/`], ['port: 4433', `port: ${this.innerPort}`], ['port: 4434', `port: ${this.adminPort}`],
      ...overlay,
    ]));
    this.bia = new Process('bia', this.folder, BIA, ['serve', '-c', 'kratos.yml', '-c', 'proxy.yml']);
    this.#running.push(this.bia);
    const ready = () => fetch(`http://127.0.0.1:${this.innerPort}/health/ready`).then((answer) => answer.ok, () => false);
    await this.bia.ready('an answer of Bia', ready);
  }

  /** Runs the proxy until it answers. */
  async startProxy(name, { command, args, env }) {
    this.proxy = new Process(name, this.folder, command, args, { env });
    this.#running.push(this.proxy);
    await this.proxy.ready('an answer of the proxy', () => this.ask('/public/ready').then((answer) => answer.status === 200, () => false));
  }

  /** One request to the proxy, without a browser. Rejects when the connection ends without an answer. */
  ask(path, { method = 'GET', host = `${HOST}:${this.proxyPort}`, headers = {}, body } = {}) {
    return new Promise((done, fail) => {
      const request = https.request({
        host: '127.0.0.1', port: this.proxyPort, servername: HOST, rejectUnauthorized: false, agent: false,
        path, method, headers: { host, ...headers }, timeout: 20_000,
      }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (data) => (text += data)).on('error', fail);
        response.on('end', () => done({ status: response.statusCode, headers: response.headers, body: text }));
      });
      request.on('timeout', () => request.destroy(new Error('no answer in time'))).on('error', fail).end(body);
    });
  }

  /** Bia is gone, and so is the port where proxies ask it. */
  async stopBia() {
    await this.door.stop();
    await this.bia.stop();
  }

  async stop() {
    await this.door?.stop();
    for (const running of this.#running.reverse()) await running.stop();
    this.app?.closeAllConnections();
    this.app?.close();
  }
}

/** A certificate for the host, made for this run. */
export function certificate(folder) {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`, '-keyout', `${folder}/key.pem`, '-out', `${folder}/certificate.pem`],
  { stdio: 'pipe' });
  const both = ['certificate.pem', 'key.pem'].map((file) => readFileSync(`${folder}/${file}`, 'utf8')).join('');
  writeFileSync(`${folder}/both.pem`, both);
}
