// A PostgreSQL server of a test's own, on its usual port.
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run, start } from './programs.mjs';
import { until } from '../proxies/processes.mjs';

/** The folder of the server's programs, which Debian keeps off the path. */
export function postgresPrograms() {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').sort((a, b) => a - b) : [];
  if (versions.length === 0) throw new Error('PostgreSQL is not installed');
  return `/usr/lib/postgresql/${versions.at(-1)}/bin`;
}

/** Starts a server with one database and its owner; returns the DSN. */
export async function startPostgres(folder, { user, name, password }) {
  const programs = postgresPrograms();
  const { text: id } = await run('id', ['-u', 'postgres']);
  // It refuses to run as root.
  const as = ['setpriv', `--reuid=${id.trim()}`, '--regid=postgres', '--clear-groups', '--'];
  mkdirSync(folder, { recursive: true });
  chmodSync(path.dirname(folder), 0o755);
  chownSync(folder, Number(id), -1);
  const secret = path.join(folder, 'password');
  writeFileSync(secret, password);
  chownSync(secret, Number(id), -1);
  const made = await run(as[0], [...as.slice(1), path.join(programs, 'initdb'), '-D', path.join(folder, 'data'), '-U', user, '-A', 'scram-sha-256', `--pwfile=${secret}`, '--no-sync']);
  if (made.code !== 0) throw new Error(made.text);
  const server = start(as[0], [...as.slice(1), path.join(programs, 'postgres'), '-D', path.join(folder, 'data'), '-k', folder,
    '-c', 'listen_addresses=127.0.0.1', '-c', 'port=5432', '-c', 'fsync=off']);
  const psql = (database, sql) => run('psql', ['-h', '127.0.0.1', '-U', user, '-d', database, '-qtAc', sql], { env: { PATH: process.env.PATH, PGPASSWORD: password } });
  await until('PostgreSQL', async () => {
    if (server.child.exitCode !== null) throw new Error(server.text);
    return (await psql('postgres', 'SELECT 1')).code === 0;
  });
  if (name !== 'postgres') await psql('postgres', `CREATE DATABASE ${name}`);
  return `postgres://${user}:${password}@127.0.0.1:5432/${name}?sslmode=disable`;
}
