// A browser without a window: signs in with a provider of the stand-in, and shows its session cookie later.
//
//   node visitor.mjs sign-in <public URL> <file for cookies> [persona]     prints the session's id
//   node visitor.mjs whoami <public URL> <file with cookies>               prints the session's id, or fails
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

export class Visitor {
  constructor(cookies = {}) {
    this.cookies = cookies;
  }

  async ask(url, options = {}) {
    const { origin } = new URL(url);
    const mine = Object.entries(this.cookies[origin] ?? {}).map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { redirect: 'manual', ...options, headers: { ...options.headers, ...(mine && { Cookie: mine }) } });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const at = pair.indexOf('=');
      (this.cookies[origin] ??= {})[pair.slice(0, at)] = pair.slice(at + 1);
    }
    return answer;
  }

  /** Walks a login flow to its end and returns the session. The names of cookies and fields are those of Kratos. */
  async signIn(publicUrl, { provider = 'partner', persona = 'alice', standIn } = {}) {
    const json = { Accept: 'application/json', 'Content-Type': 'application/json' };
    const flow = await (await this.ask(`${publicUrl}/self-service/login/browser`, { headers: json })).json();
    const token = flow.ui.nodes.find(({ attributes }) => attributes.name === 'csrf_token').attributes.value;
    // The flow's own address is what browsers see; these tests come by the back door.
    const submit = await this.ask(`${publicUrl}/self-service/login?flow=${flow.id}`, {
      method: 'POST', headers: json, body: JSON.stringify({ method: 'oidc', provider, csrf_token: token }),
    });
    const leaves = await submit.json();
    if (!leaves.redirect_browser_to) throw new Error(`the submit answered ${submit.status}: ${JSON.stringify(leaves)}`);
    let url = new URL(leaves.redirect_browser_to);
    this.cookies[standIn ?? url.origin] = { ...this.cookies[standIn ?? url.origin], persona };
    const ours = new URL(publicUrl).origin;
    for (let step = 0; step < 10; step += 1) {
      const answer = await this.ask(url.href, { headers: { Accept: 'text/html' } });
      const location = answer.headers.get('location');
      if (!location) throw new Error(`${url.pathname} answered ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
      const cameFrom = url.origin;
      url = new URL(location, url);
      if (cameFrom === ours && url.origin === ours && !url.pathname.startsWith('/self-service')) break;
      if (cameFrom === ours && url.origin !== ours) break;
    }
    return this.whoami(publicUrl);
  }

  async whoami(publicUrl) {
    const answer = await this.ask(`${publicUrl}/sessions/whoami`);
    if (answer.status !== 200) throw new Error(`whoami answered ${answer.status}`);
    return answer.json();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [what, publicUrl, file, persona] = process.argv.slice(2);
  const visitor = new Visitor(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {});
  const session = what === 'sign-in' ? await visitor.signIn(publicUrl, { persona }) : await visitor.whoami(publicUrl);
  writeFileSync(file, JSON.stringify(visitor.cookies), { mode: 0o600 });
  console.log(session.id);
}
