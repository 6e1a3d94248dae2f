// Starting the programs that the tests of packaging need, and waiting for them.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../proxies/processes.mjs';

export const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, '../..');
export const bia = path.resolve(process.env.BIA ?? path.join(root, 'target/debug/bia'));
export const standInProgram = path.resolve(process.env.STAND_IN ?? path.join(root, 'target/debug/stand-in'));
export const publicUrl = 'http://127.0.0.1:4433';
export const adminUrl = 'http://127.0.0.1:4434';

const started = new Set();

/** Ends every program that is still there; for the end of a test. */
export async function endAll() {
  await Promise.all([...started].map((program) => program.end()));
}

// BIA, which names the program for these tests, would be a section of the configuration to the program itself.
const environment = { PATH: process.env.PATH, HOME: process.env.HOME, NO_PROXY: '127.0.0.1' };

/** Starts a program; what it prints is in `text`. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: environment, ...options });
  const program = { child, text: '' };
  program.ended = new Promise((done) => child.once('close', (code, signal) => {
    started.delete(program);
    done(signal ?? code);
  }));
  // Programs that read nothing may be gone before they are told that nothing comes.
  child.stdin.on('error', () => {});
  child.once('error', (error) => (program.text += String(error)));
  child.stdout.on('data', (data) => (program.text += data));
  child.stderr.on('data', (data) => (program.text += data));
  program.end = async (signal = 'SIGTERM') => {
    child.kill(signal);
    return program.ended;
  };
  started.add(program);
  return program;
}

/** Runs a program to its end. */
export async function run(command, args, options = {}) {
  const { input, ...others } = options;
  const program = start(command, args, others);
  program.child.stdin.end(input ?? '');
  const code = await program.ended;
  return { code, text: program.text };
}

export async function isReady(program) {
  await until('the server to be ready', async () => {
    if (program.child.exitCode !== null) throw new Error(`it ended: ${program.text}`);
    return fetch(`${publicUrl}/health/ready`).then(({ ok }) => ok, () => false);
  }).catch((error) => { throw new Error(`${error.message}\n${program.text}`); });
  return program;
}

/** The stand-in for a provider, on a port of its own choice. Its address is `url`. */
export async function startStandIn() {
  const program = start(standInProgram, []);
  program.url = await until('the stand-in', () => program.text.match(/^(http:\S+)$/m)?.[1]);
  return program;
}

/** Writes the configuration of these tests into a folder, as seen from inside a container at `seenAs`. */
export function writeConfiguration(folder, { dsn, standIn, seenAs = folder, secretFile = `${seenAs}/client-secret` }) {
  mkdirSync(folder, { recursive: true });
  cpSync(path.join(here, 'config'), folder, { recursive: true });
  const values = { DSN: dsn, STAND_IN: standIn, FOLDER: seenAs, SECRET_FILE: secretFile };
  const text = readFileSync(path.join(here, 'config/kratos.yml'), 'utf8').replace(/@([A-Z_]+)@/g, (_, name) => values[name]);
  writeFileSync(path.join(folder, 'kratos.yml'), text);
  writeFileSync(path.join(folder, 'client-secret'), 'plain-secret\n');
}
