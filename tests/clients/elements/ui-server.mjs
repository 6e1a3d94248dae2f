// Serves the built page; every address that is no file is the page itself.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';

const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html; charset=utf-8', '.svg': 'image/svg+xml' };

export async function serve(folder, origin, settings) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, origin);
    if (pathname === '/config.json') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(settings));
      return;
    }
    const wanted = normalize(join(folder, pathname));
    const file = extname(pathname) && wanted.startsWith(normalize(folder + sep)) ? wanted : join(folder, 'index.html');
    try {
      const content = await readFile(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  const { hostname, port } = new URL(origin);
  server.listen(Number(port), hostname);
  await once(server, 'listening');
  return server;
}
