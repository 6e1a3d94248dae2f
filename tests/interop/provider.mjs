// An OpenID Connect provider by other people (npm package oidc-provider), laid out at the addresses that Entra has, so
// that Bia's connection for Microsoft signs in at it. Its clients authenticate with `private_key_jwt` and PS256 alone.
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider, { errors } from 'oidc-provider';

export const TENANT = '11111111-1111-4111-8111-111111111111';
export const CLIENT_ID = '22222222-2222-4222-8222-222222222222';
/** Registered with another key than Bia has. */
export const STRANGER_ID = '33333333-3333-4333-8333-333333333333';

const [port, certificateFile, publicUrl] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const certificate = new X509Certificate(readFileSync(certificateFile));
const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
const publicKey = certificate.publicKey.export({ format: 'jwk' });
const otherKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
const signingKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });

const client = (id, key, connection) => ({
  client_id: id,
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'PS256',
  jwks: { keys: [{ ...key, use: 'sig', alg: 'PS256' }] },
  redirect_uris: [`${publicUrl}/self-service/methods/oidc/callback/${connection}`],
});

const provider = new Provider(`${origin}/${TENANT}/v2.0`, {
  clients: [client(CLIENT_ID, publicKey, 'microsoft'), client(STRANGER_ID, otherKey, 'stranger')],
  jwks: { keys: [{ ...signingKey, use: 'sig', alg: 'RS256', kid: 'made-for-this-run' }] },
  clientAuthMethods: ['private_key_jwt'],
  enabledJWA: { clientAuthSigningAlgValues: ['PS256'] },
  // What Entra looks at beside the signature: the certificate's thumbprint, and the token address as audience.
  assertJwtClientAuthClaimsAndHeader: async (ctx, claims, header) => {
    const lifespan = claims.exp - claims.nbf;
    if (header['x5t#S256'] !== thumbprint) throw new errors.InvalidClientAuth('x5t#S256 is not the thumbprint of the certificate');
    if (claims.aud !== `${origin}/${TENANT}/oauth2/v2.0/token`) throw new errors.InvalidClientAuth('aud is not the token address');
    if (claims.sub !== claims.iss) throw new errors.InvalidClientAuth('sub is not the client');
    if (!(lifespan >= 300 && lifespan <= 600)) throw new errors.InvalidClientAuth('it does not live for five to ten minutes');
  },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  routes: { authorization: '/authorize', token: '/token', jwks: '/keys' },
  conformIdTokenClaims: false,
  claims: { openid: ['sub', 'tid', 'oid', 'ver'], profile: ['name'], email: ['email'] },
  findAccount: async (ctx, id) => ({
    accountId: id,
    claims: async () => ({
      sub: id, tid: TENANT, oid: '44444444-4444-4444-8444-444444444444', ver: '2.0', name: 'Alice Adams', email: 'alice@contoso.example',
    }),
  }),
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid profile email');
    await grant.save();
    return grant;
  },
  cookies: { keys: ['made-for-this-run'] },
  ttl: { Grant: 600, Interaction: 600, Session: 600, AccessToken: 600, IdToken: 600, AuthorizationCode: 60 },
});

const accepted = [];
const refused = [];
provider.on('grant.success', (ctx) => accepted.push(ctx.oidc.params.client_assertion));
provider.on('grant.error', (ctx, error) => refused.push(`${error.message}: ${error.error_detail ?? ''}`));
provider.on('server_error', (ctx, error) => console.error(error));

const answer = provider.callback();
const mounts = [`/${TENANT}/oauth2/v2.0`, `/${TENANT}/v2.0`];
createServer(async (request, response) => {
  if (request.url === '/seen') {
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ accepted, refused }));
  }
  if (request.url.startsWith('/interaction/')) {
    // Whoever comes is Alice.
    return provider.interactionFinished(request, response, { login: { accountId: 'alice' } }, { mergeWithLastSubmission: false });
  }
  const mount = mounts.find((path) => request.url.startsWith(`${path}/`));
  if (mount) {
    request.originalUrl = request.url;
    request.url = request.url.slice(mount.length);
  }
  return answer(request, response);
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
