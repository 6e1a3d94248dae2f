import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Configuration, FrontendApi, IdentityApi, MetadataApi } from '@ory/client';
import axios from 'axios';
import { type Refusal, refused } from './browser.js';
import { adminUrl, publicUrl } from './environment.js';

const http = axios.create({ maxRedirects: 0 });

test('the version is told on the admin port', async () => {
  const { data } = await new MetadataApi(new Configuration({ basePath: adminUrl }), adminUrl, http).getVersion();
  assert.match(data.version, /^v?\d+\.\d+/);
});

// The package has no call for the health of a Kratos; everybody who runs one asks over plain HTTP.
test('both ports say that they are alive and ready', async () => {
  for (const base of [publicUrl, adminUrl]) {
    for (const question of ['alive', 'ready']) {
      const { data } = await http.get<{ status: string }>(`${base}/health/${question}`);
      assert.deepEqual(data, { status: 'ok' });
    }
  }
});

test('identity schemas are listed and read on both ports', async () => {
  const open = new IdentityApi(new Configuration({ basePath: publicUrl }), publicUrl, http);
  const { data: schemas } = await open.listIdentitySchemas();
  assert.deepEqual(schemas.map((schema) => schema.id), ['default']);
  const { data: schema } = await open.getIdentitySchema({ id: 'default' });
  assert.deepEqual(schema, schemas[0]?.schema);
  await refused<Refusal>(open.getIdentitySchema({ id: 'unknown' }), 404);
});

test('the script for WebAuthn nodes is there for pages that always load it', async () => {
  const frontend = new FrontendApi(new Configuration({ basePath: publicUrl }), publicUrl, http);
  const { status, headers } = await frontend.getWebAuthnJavaScript();
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /javascript/);
});
