// Programs that the tests start, each ended by its own id, and free ports.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';

/**
 * As many free loopback ports as asked for, all held at once, so that they differ. They are below the range that the kernel
 * takes for outgoing connections, so that none of ours takes one before the program listens.
 */
export async function freePorts(count) {
  const servers = [];
  for (let tries = 0; servers.length < count; tries += 1) {
    if (tries > 1000) throw new Error('no port of loopback is free');
    const server = createServer().listen(12_000 + Math.floor(Math.random() * 18_000), '127.0.0.1');
    try {
      await once(server, 'listening');
      servers.push(server);
    } catch (error) {
      if (error.code !== 'EADDRINUSE') throw error;
    }
  }
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** Looks again and again until there is something to see. */
export async function until(what, look, patience = 30_000) {
  const giveUp = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > giveUp) throw new Error(`waited in vain for ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** A running program with a log of its own. */
export class Process {
  constructor(name, folder, command, args, { env = {}, stdin = 'ignore' } = {}) {
    this.name = name;
    this.log = `${folder}/${name}.log`;
    const log = openSync(this.log, 'a');
    // Nothing of this machine's environment but where programs are.
    const environment = { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, ...env };
    this.child = spawn(command, args, { cwd: folder, stdio: [stdin, log, log], env: environment });
    closeSync(log);
    this.ended = new Promise((done) => {
      this.child.once('exit', done);
      this.child.once('error', (error) => { this.failure = error; done(); });
    });
  }

  get text() {
    return readFileSync(this.log, 'utf8');
  }

  get isGone() {
    return Boolean(this.failure) || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async ready(what, look) {
    await until(what, () => {
      if (this.isGone) throw new Error(`${this.name} ended before ${what}: ${this.failure ?? this.text}`);
      return look();
    });
    return this;
  }

  async stop() {
    if (!this.isGone) this.child.kill('SIGTERM');
    const gave = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
    await this.ended;
    clearTimeout(gave);
  }
}
