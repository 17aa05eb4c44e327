import { createServer } from 'node:http';
import { createApp } from './app.js';

const app = createApp();

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const path = new URL(request.url, 'http://guestbook').pathname;
  const answer = await app.handle(request.method, path, Buffer.concat(chunks).toString());
  const isJson = answer.json !== undefined;
  response.writeHead(answer.code, {
    'content-type': isJson ? 'application/json' : 'text/plain; charset=utf-8',
    'guestbook-task': process.env.ROLLWAY_INDEX ?? '',
    'guestbook-version': process.env.ROLLWAY_VERSION ?? '',
  });
  response.end(isJson ? `${JSON.stringify(answer.json)}\n` : answer.text);
});

server.keepAliveTimeout = 30_000;
server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? '127.0.0.1', () => {
  const { address, port } = server.address();
  console.log(`guestbook listens on http://${address}:${port}`);
});

process.on('SIGTERM', () => {
  console.log('guestbook finishes what it has begun');
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
