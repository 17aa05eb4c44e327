import { performance } from 'node:perf_hooks';
import { Book } from './book.js';
import { Metrics } from './metrics.js';
import { greeting } from './page.js';
import { prepare } from './prepare.js';

/** Answers requests; knows nothing of sockets, so that the tests can call it. */
export function createApp() {
  const book = new Book();
  const metrics = new Metrics();

  async function route(method, path, body) {
    if (path === '/healthz') return { code: 200, text: 'ok\n' };
    if (path === '/metrics') return { code: 200, text: metrics.text() };
    if (path === '/' && method === 'GET') return { code: 200, text: greeting(book.newest(5)) };
    if (path === '/entries' && method === 'GET') return { code: 200, json: book.newest() };
    if (path === '/entries' && method === 'POST') return sign(body);
    return { code: 404, text: 'not found\n' };
  }

  function sign(body) {
    let parsed;
    try {
      parsed = JSON.parse(body);
    } catch {
      return { code: 400, json: { error: 'the body is not JSON' } };
    }
    const { entry, error } = book.sign(parsed.name, parsed.message);
    return error === undefined ? { code: 201, json: entry } : { code: 400, json: { error } };
  }

  return {
    async handle(method, path, body = '') {
      const measured = path !== '/metrics' && path !== '/healthz';
      const startedAt = performance.now();
      let answer;
      try {
        if (measured) await prepare();
        answer = await route(method, path, body);
      } catch (error) {
        answer = { code: 503, json: { error: error.message } };
      }
      if (measured) metrics.record(path, answer.code, (performance.now() - startedAt) / 1000);
      return answer;
    },
  };
}
