// Prints a fresh private key set for `tokenize_as`, so that no key lies in the repository.
import { generateKeyPairSync } from 'node:crypto';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
console.log(JSON.stringify({ keys: [{ ...key, kid: 'made-for-this-run', alg: 'ES256', use: 'sig' }] }));
