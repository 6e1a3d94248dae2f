// The proxies: which program, and what of the shipped configuration is another one here (ports, certificate, folders).
import { writeFileSync } from 'node:fs';
import { HOST, adapt } from './site.mjs';

const certificate = (site) => `${site.folder}/certificate.pem`;
const key = (site) => `${site.folder}/key.pem`;
const behind = (site) => [['127.0.0.1:4433', `127.0.0.1:${site.biaPort}`], ['127.0.0.1:3000', `127.0.0.1:${site.appPort}`]];
const write = (site, name, text) => writeFileSync(`${site.folder}/${name}`, text);

export const proxies = {
  nginx: {
    program: 'nginx',
    version: ['-v'],
    believed: true,
    start(site) {
      write(site, 'app.conf', adapt('nginx/app.example.com.conf', [
        ['listen 443 ', `listen 127.0.0.1:${site.proxyPort} `],
        ['/etc/ssl/certs/app.example.com.pem', certificate(site)],
        ['/etc/ssl/private/app.example.com.key', key(site)],
        ...behind(site),
      ]));
      const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${site.folder}/${kind};`);
      write(site, 'nginx.conf', `daemon off;\npid ${site.folder}/nginx.pid;\nerror_log stderr info;\nworker_processes 1;\n`
        + `events { worker_connections 256; }\nhttp {\naccess_log off;\n${scratch.join('\n')}\ninclude ${site.folder}/app.conf;\n}\n`);
      return { command: 'nginx', args: ['-e', 'stderr', '-p', site.folder, '-c', `${site.folder}/nginx.conf`] };
    },
  },

  caddy: {
    program: 'caddy',
    version: ['version'],
    believed: true,
    start(site) {
      const own = adapt('caddy/Caddyfile', [
        // The test has a certificate of its own, and must not ask a public authority for one.
        [`${HOST} {\n`, `${site.public} {\n\tbind 127.0.0.1\n\ttls ${certificate(site)} ${key(site)}\n`],
        ...behind(site),
      ]);
      write(site, 'Caddyfile', `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${own}`);
      return { command: 'caddy', args: ['run', '--adapter', 'caddyfile', '--config', `${site.folder}/Caddyfile`] };
    },
  },

  haproxy: {
    program: 'haproxy',
    version: ['-v'],
    believed: true,
    start(site) {
      write(site, 'bia.lua', adapt('haproxy/bia.lua', behind(site).slice(0, 1)));
      write(site, 'haproxy.cfg', adapt('haproxy/haproxy.cfg', [
        ['bind :443 ', `bind 127.0.0.1:${site.proxyPort} `],
        ['/etc/haproxy/certs/app.example.com.pem', `${site.folder}/both.pem`],
        ['/etc/haproxy/bia.lua', `${site.folder}/bia.lua`],
        ...behind(site),
      ]));
      return { command: 'haproxy', args: ['-db', '-f', `${site.folder}/haproxy.cfg`] };
    },
  },

  traefik: {
    program: process.env.TRAEFIK || 'traefik',
    version: ['version'],
    believed: true,
    start(site) {
      write(site, 'bia.yml', adapt('traefik/bia.yml', [
        ['/etc/traefik/app.example.com.pem', certificate(site)],
        ['/etc/traefik/app.example.com.key', key(site)],
        ...behind(site),
      ]));
      const quiet = 'global:\n  checkNewVersion: false\n  sendAnonymousUsage: false\nlog:\n  level: INFO\n';
      write(site, 'traefik.yml', quiet + adapt('traefik/traefik.yml', [
        ['":443"', `"127.0.0.1:${site.proxyPort}"`], ['/etc/traefik/bia.yml', `${site.folder}/bia.yml`],
      ]));
      return { command: this.program, args: [`--configFile=${site.folder}/traefik.yml`] };
    },
  },

  oathkeeper: {
    program: process.env.OATHKEEPER || 'oathkeeper',
    version: ['version'],
    // It passes on what visitors write, so its word is not believed.
    believed: false,
    overlay: [['trusted_proxies: [127.0.0.0/8, "::1"]', 'trusted_proxies: [192.0.2.1]']],
    // It sorts the parameters of the address that it sends people back to.
    returnsTo(path) {
      const [before, query] = path.split('?');
      return `${before}?${query.split('&').sort().join('&')}`;
    },
    start(site) {
      write(site, 'rules.yml', adapt('oathkeeper/rules.yml', [[`${HOST}/`, `${HOST}:${site.proxyPort}/`], ...behind(site)]));
      write(site, 'oathkeeper.yml', adapt('oathkeeper/oathkeeper.yml', [
        ['port: 443', `port: ${site.proxyPort}\n    host: 127.0.0.1`],
        ['port: 4456', `port: ${site.sparePort}`],
        ['/etc/oathkeeper/app.example.com.pem', certificate(site)],
        ['/etc/oathkeeper/app.example.com.key', key(site)],
        ['/etc/oathkeeper/rules.yml', `${site.folder}/rules.yml`],
        [`https://${HOST}/`, `${site.public}/`],
        ['127.0.0.1:4433', `127.0.0.1:${site.biaPort}`],
      ]));
      return { command: this.program, args: ['serve', '-c', `${site.folder}/oathkeeper.yml`, '--sqa-opt-out'] };
    },
  },
};
