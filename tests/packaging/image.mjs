// Performs a Dockerfile's steps without Docker, and runs what comes out as a container runtime would. Wants root and a
// mount namespace of its own.
//
// What stands in for what: the layers of this machine for the `rust` image; files of this machine's Debian packages for
// the distroless image, which is made of just those packages; a `cargo` that hands over the program which is built
// already, after a look at whether the build context holds every source of it.
import { execFileSync } from 'node:child_process';
import {
  chmodSync, copyFileSync, cpSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { bia, here, root, run, start } from './programs.mjs';

const sh = (script, ...args) => execFileSync('bash', ['-euc', script, 'image', ...args], { stdio: ['ignore', 'pipe', 'inherit'] }).toString();

// https://github.com/GoogleContainerTools/distroless: static, base and cc of Debian 12.
const PACKAGES = ['base-files', 'netbase', 'tzdata', 'ca-certificates', 'libc6', 'libssl3', 'libgcc-s1', 'libgomp1', 'libstdc++6'];

/** Files of installed packages, with what their installation makes. */
function distroless(folder) {
  // The folders that are links since /usr was merged.
  for (const name of ['lib', 'lib64', 'bin', 'sbin']) {
    if (!lstatSync(`/${name}`, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    mkdirSync(path.join(folder, 'usr', name), { recursive: true });
    symlinkSync(readlinkSync(`/${name}`), path.join(folder, name));
  }
  for (const line of sh('dpkg -L "$@" 2>/dev/null | sort -u || true', ...PACKAGES).split('\n').filter(Boolean)) {
    const from = lstatSync(line, { throwIfNoEntry: false });
    const to = path.join(folder, line);
    if (!from || existsSync(to) || /^\/usr\/share\/(doc|man|locale)\//.test(line)) continue;
    if (from.isDirectory()) { mkdirSync(to, { recursive: true }); continue; }
    mkdirSync(path.dirname(to), { recursive: true });
    if (from.isSymbolicLink()) symlinkSync(readlinkSync(line), to); else cpSync(line, to);
  }
  mkdirSync(path.join(folder, 'etc/ssl/certs'), { recursive: true });
  copyFileSync('/etc/ssl/certs/ca-certificates.crt', path.join(folder, 'etc/ssl/certs/ca-certificates.crt'));
  mkdirSync(path.join(folder, 'home/nonroot'), { recursive: true });
  mkdirSync(path.join(folder, 'tmp'), { recursive: true });
  chmodSync(path.join(folder, 'tmp'), 0o1777);
  writeFileSync(path.join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n');
  writeFileSync(path.join(folder, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n');
}

/** Everything the program is made of is in the build context, or the build in the image would fail. */
export function missingSources(context) {
  const known = new Set(context);
  const [, sources] = readFileSync(`${bia}.d`, 'utf8').split(/: (.*)/s);
  return sources.trim().split(/(?<!\\)\s+/).map((source) => path.relative(root, path.normalize(source)))
    .filter((source) => !source.startsWith('..') && !source.startsWith('target/') && !known.has(source));
}

const CARGO = `#!/bin/sh
# In place of the real one: the program is built already.
case "$*" in
  "build --release --locked -p bia") test -f Cargo.lock && mkdir -p target/release && ln -s /given/bia target/release/bia ;;
  *) echo "cargo: nothing stands in for: $*" >&2; exit 1 ;;
esac
`;

/** Builds every stage below `folder` and returns what the last one runs. */
export function build(image, folder) {
  const stages = new Map();
  let last;
  for (const [index, stage] of image.stages.entries()) {
    const at = path.join(folder, `stage-${index}`);
    mkdirSync(at);
    if (stage.base.startsWith('rust:')) {
      sh('mkdir "$1-upper" "$1-work" && mount -t overlay overlay -o "lowerdir=/,upperdir=$1-upper,workdir=$1-work" "$1"', at);
      mkdirSync(path.join(at, 'given'));
      copyFileSync(bia, path.join(at, 'given/bia'));
      chmodSync(path.join(at, 'given/bia'), 0o755);
      writeFileSync(path.join(at, 'given/cargo'), CARGO, { mode: 0o755 });
    } else if (stage.base.startsWith('gcr.io/distroless/cc-debian12:nonroot')) {
      distroless(at);
    } else {
      throw new Error(`nothing stands in for the image ${stage.base}`);
    }
    last = { folder: at, environment: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }, workdir: '/' };
    stages.set(stage.name, last);
    for (const step of stage.steps) perform(step, last, stages, image.context);
  }
  return last;
}

function perform(step, stage, stages, context) {
  const inside = (target) => path.join(stage.folder, path.resolve(stage.workdir, target));
  switch (step.kind) {
    case 'WORKDIR':
      stage.workdir = path.resolve(stage.workdir, step.value);
      mkdirSync(inside('.'), { recursive: true });
      break;
    case 'COPY':
      for (const source of step.sources) {
        if (!step.from) {
          if (source !== '.') throw new Error(`${step.line}: only COPY . is performed here`);
          for (const file of context) cpSync(path.join(root, file), path.join(inside(step.target), file), { recursive: true });
        } else {
          const from = path.join(stages.get(step.from).folder, source);
          sh('mkdir -p "$(dirname "$2")" && cp --archive --no-target-directory "$1" "$2" && chown --recursive "$3" "$2"', from, inside(step.target), step.chown || '0:0');
        }
      }
      break;
    case 'RUN':
      sh('chroot "$1" env -i -C "$2" PATH="/given:$PATH" sh -c "$3"', stage.folder, stage.workdir, step.script);
      break;
    case 'ENV': Object.assign(stage.environment, step.values); break;
    case 'USER': stage.user = step.value; break;
    case 'ENTRYPOINT': stage.entrypoint = step.exec; break;
    case 'CMD': stage.command = step.exec; break;
    case 'HEALTHCHECK': stage.health = step.exec.slice(1); break;
    case 'LABEL': case 'VOLUME': case 'EXPOSE': case 'STOPSIGNAL': break;
    default: throw new Error(`${step.line}: nothing performs this`);
  }
}

/** How Kubernetes shows a ConfigMap or a Secret: links to a folder that is exchanged as a whole. */
export function asVolume(folder, files) {
  mkdirSync(path.join(folder, '..2026_01_01'), { recursive: true });
  symlinkSync('..2026_01_01', path.join(folder, '..data'));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path.join(folder, '..2026_01_01', name), text);
    symlinkSync(`..data/${name}`, path.join(folder, name));
  }
  return folder;
}

const launch = (image, { environment = {}, mounts = [], command }) => {
  const [user, group = user] = image.user.split(':');
  const binds = mounts.flatMap(({ target, source, readOnly, scratch }) => [scratch ? 'scratch' : readOnly ? 'ro' : 'rw', source ?? '-', target]);
  const env = { ...image.environment, ...environment };
  return ['bash', [path.join(here, 'container.sh'), image.folder, image.workdir, user, group, String(binds.length / 3), ...binds, ...command],
    { env: { PATH: process.env.PATH, CONTAINER_ENVIRONMENT: Object.entries(env).map(([name, value]) => `${name}=${value}`).join('\n') } }];
};

/** Starts the image's program: own processes, read-only files, no privileges. */
export function startContainer(image, options = {}) {
  const command = [...image.entrypoint, ...(options.arguments ?? image.command)];
  const container = start(...launch(image, { ...options, command }));
  // What holds the namespaces waits for its child, whatever asks it to stop: the child is the program.
  container.end = async () => {
    const { pid } = container.child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    for (const child of children.split(' ').filter(Boolean)) process.kill(Number(child), 'SIGKILL');
    return container.ended;
  };
  return container;
}

/** Runs a command in a container of its own beside the first: the same files, the same network. */
export async function runIn(image, command, options = {}) {
  return run(...launch(image, { ...options, command }));
}

