// Prints as many free loopback ports as asked for. All are held at once, so that they differ.
import { createServer } from 'node:net';
import { once } from 'node:events';

const servers = [];
for (let count = Number(process.argv[2]); count > 0; count -= 1) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
}
console.log(servers.map((server) => server.address().port).join(' '));
for (const server of servers) server.close();
