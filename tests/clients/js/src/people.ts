// People of the identity provider. Each test makes its own, so that tests share a server and no state.
import { randomUUID } from 'node:crypto';
import { standInUrl } from './environment.js';

export interface Person {
  readonly key: string;
  readonly oid: string;
  readonly name: string;
  readonly email: string | null;
}

/** A member of Contoso; `email: null` gives one whose tokens name no address. */
export async function newPerson(given: { email?: string | null } = {}): Promise<Person> {
  const key = `p-${randomUUID()}`;
  const email = given.email === undefined ? `${key}@contoso.example` : given.email;
  const person = { key, oid: randomUUID(), name: 'Pat Person', email };
  const answer = await fetch(`${standInUrl}/_control`, {
    method: 'POST',
    body: JSON.stringify({
      people: [
        { ...person, about: 'Made for one test', tenant: 'contoso', given_name: 'Pat', family_name: 'Person',
          upn: `${key}@contoso.onmicrosoft.example` },
      ],
    }),
  });
  if (!answer.ok) throw new Error(`the stand-in refused a person: ${await answer.text()}`);
  return person;
}

/** Who sits at a browser that comes to the identity provider with this cookie. */
export function personaCookie(person: Person): string {
  return `persona=${person.key}; Path=/`;
}

interface Minted {
  readonly id_token: string;
}

/** An ID token as an app gets it by its own means: of Entra, or of the partner's provider. */
export async function idToken(person: Person, given: { at: 'microsoft' | 'partner'; nonce?: string }): Promise<string> {
  const client = given.at === 'microsoft' ? '7e57c11e-0000-4000-8000-000000000001' : 'plain-client';
  const answer = await fetch(`${standInUrl}/_control/idtoken`, {
    method: 'POST',
    body: JSON.stringify({
      persona: person.key, client, nonce: given.nonce, base: standInUrl, ...(given.at === 'partner' && { op: 'pkce' }),
    }),
  });
  if (!answer.ok) throw new Error(`the stand-in minted no token: ${await answer.text()}`);
  const minted: Minted = await answer.json();
  return minted.id_token;
}

/** The name by which a provider knows somebody. */
export async function subject(person: Person, at: 'microsoft' | 'partner'): Promise<string> {
  const [, payload = ''] = (await idToken(person, { at })).split('.');
  const claims: { sub: string } = JSON.parse(Buffer.from(payload, 'base64url').toString());
  return claims.sub;
}
