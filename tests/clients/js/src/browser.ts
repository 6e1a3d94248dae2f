// A browser: a cookie jar, Ory's client over it, and feet to walk to the identity provider and back.
import assert from 'node:assert/strict';
import type {
  ErrorBrowserLocationChangeRequired, GenericError, SettingsFlow, UiContainer, UiNodeInputAttributes,
} from '@ory/client';
import { Configuration, FrontendApi } from '@ory/client';
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import { CookieJar } from 'tough-cookie';
import { publicUrl, standInUrl } from './environment.js';
import { type Person, personaCookie } from './people.js';

const HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

/** An error answer. The package's `ErrorGeneric` lost the fields of the error when Ory merged its descriptions. */
export interface Refusal {
  readonly error: GenericError;
}

/** What the server refused, with the body as the type that the client's package gives it. */
export async function refused<Body>(call: Promise<unknown>, status: number): Promise<Body> {
  try {
    await call;
  } catch (error) {
    if (!axios.isAxiosError<Body>(error) || !error.response) throw error;
    assert.equal(error.response.status, status, JSON.stringify(error.response.data));
    return error.response.data;
  }
  return assert.fail(`expected status ${status}, but the call went through`);
}

/** The inputs of a form, in the order they are shown. */
export function inputs(ui: UiContainer): UiNodeInputAttributes[] {
  return ui.nodes.flatMap(({ attributes }) => (attributes.node_type === 'input' ? [attributes] : []));
}

/** The values of all inputs of one name: of `provider`, which buttons there are. */
export function values(ui: UiContainer, name: string): unknown[] {
  return inputs(ui).filter((input) => input.name === name).map((input) => input.value);
}

export function csrfToken(ui: UiContainer): string {
  const [token] = values(ui, 'csrf_token');
  assert.equal(typeof token, 'string');
  return String(token);
}

export function messageIds(ui: UiContainer): number[] {
  return (ui.messages ?? []).map((message) => message.id);
}

export class Browser {
  readonly jar = new CookieJar();
  readonly http: AxiosInstance;
  readonly frontend: FrontendApi;

  constructor(person?: Person) {
    this.http = axios.create({ maxRedirects: 0, timeout: 20_000 });
    this.http.interceptors.request.use(async (request) => {
      const cookies = await this.jar.getCookieString(this.http.getUri(request));
      if (cookies) request.headers.set('Cookie', cookies);
      return request;
    });
    const keep = async (response: AxiosResponse) => {
      for (const cookie of response.headers['set-cookie'] ?? []) {
        await this.jar.setCookie(cookie, this.http.getUri(response.config));
      }
    };
    this.http.interceptors.response.use(
      async (response) => (await keep(response), response),
      async (error: unknown) => {
        if (axios.isAxiosError(error) && error.response) await keep(error.response);
        throw error;
      },
    );
    this.frontend = new FrontendApi(new Configuration({ basePath: publicUrl }), publicUrl, this.http);
    if (person) this.jar.setCookieSync(personaCookie(person), standInUrl);
  }

  /** Follows redirects as a browser does, until they leave the server and the identity provider. */
  async walk(from: string): Promise<URL> {
    let url = new URL(from);
    for (let step = 0; step < 10; step += 1) {
      if (![publicUrl, standInUrl].includes(url.origin)) return url;
      const answer = await this.http.get<string>(url.href, {
        headers: { Accept: HTML },
        validateStatus: () => true,
      });
      const location: unknown = answer.headers['location'];
      assert.equal(typeof location, 'string', `${url.pathname} answered ${answer.status}: ${JSON.stringify(answer.data)}`);
      url = new URL(String(location), url);
    }
    return assert.fail('a browser would have given up: ten redirects');
  }

  /** A submit that must lead to the identity provider: where it leads. */
  async leaves(submit: Promise<unknown>): Promise<string> {
    const body = await refused<ErrorBrowserLocationChangeRequired>(submit, 422);
    assert.ok(body.redirect_browser_to, 'redirect_browser_to is missing');
    return body.redirect_browser_to;
  }

  /** Starts a login flow, signs in with a provider and returns where the browser ends. */
  async signIn(provider = 'microsoft'): Promise<URL> {
    const { data: flow } = await this.frontend.createBrowserLoginFlow();
    return this.walk(await this.leaves(this.frontend.updateLoginFlow({
      flow: flow.id,
      updateLoginFlowBody: { method: 'oidc', provider, csrf_token: csrfToken(flow.ui) },
    })));
  }

  /** Starts a settings flow and links a provider; the flow as it is afterwards. */
  async link(provider: string): Promise<SettingsFlow> {
    const { data: flow } = await this.frontend.createBrowserSettingsFlow();
    await this.walk(await this.leaves(this.frontend.updateSettingsFlow({
      flow: flow.id,
      updateSettingsFlowBody: { method: 'oidc', link: provider },
    })));
    return (await this.frontend.getSettingsFlow({ id: flow.id })).data;
  }
}
