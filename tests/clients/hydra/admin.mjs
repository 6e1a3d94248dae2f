// A stand-in for the part of Ory Hydra that a login touches: the admin API's login requests, and the address that an
// accepted login goes back to. It answers as Hydra's documentation of /admin/oauth2/auth/requests/login says.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';

/** The challenge of a login request that has been used already (410 in Hydra). */
const USED = 410;

export class Hydra {
  #requests = new Map();
  #server = createServer((request, response) => this.#answer(request, response));

  constructor(origin) {
    this.origin = origin;
  }

  async start() {
    const { hostname, port } = new URL(this.origin);
    this.#server.listen(Number(port), hostname);
    await once(this.#server, 'listening');
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** An application sends somebody to sign in: the challenge that Hydra hands to the login page. */
  authorize({ skip = false, subject = '' } = {}) {
    const challenge = randomBytes(24).toString('base64url');
    this.#requests.set(challenge, {
      accepted: null,
      body: {
        challenge,
        client: { client_id: 'an-application', client_name: 'An application', redirect_uris: ['https://application.example/callback'] },
        oidc_context: {},
        request_url: `${this.origin}/oauth2/auth?client_id=an-application&response_type=code&scope=openid&state=kept-state`,
        requested_access_token_audience: [],
        requested_scope: ['openid'],
        session_id: randomBytes(12).toString('hex'),
        skip,
        subject,
      },
    });
    return challenge;
  }

  /** What was told about who signed in, or null. */
  accepted(challenge) {
    return this.#requests.get(challenge)?.accepted ?? null;
  }

  /** Where an accepted login goes. */
  verifier(challenge) {
    return `${this.origin}/oauth2/auth?client_id=an-application&login_verifier=${challenge}`;
  }

  async #answer(request, response) {
    const url = new URL(request.url, this.origin);
    const reply = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify(body));
    };
    const challenge = url.searchParams.get('login_challenge') ?? '';
    const login = this.#requests.get(challenge);
    if (!url.pathname.startsWith('/admin/oauth2/auth/requests/login')) {
      reply(404, { error: 'Not Found', error_description: 'there is nothing here' });
    } else if (!login) {
      reply(404, { error: 'Not Found', error_description: 'Unable to locate the resource' });
    } else if (request.method === 'GET' && url.pathname === '/admin/oauth2/auth/requests/login') {
      if (login.accepted) reply(USED, { redirect_to: login.body.request_url });
      else reply(200, login.body);
    } else if (request.method === 'PUT' && url.pathname === '/admin/oauth2/auth/requests/login/accept') {
      let text = '';
      for await (const chunk of request) text += chunk;
      login.accepted = JSON.parse(text);
      reply(200, { redirect_to: this.verifier(challenge) });
    } else {
      reply(405, { error: 'Method Not Allowed' });
    }
  }
}
