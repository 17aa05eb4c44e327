import { get } from 'node:http';
import { get as getOverTls } from 'node:https';
import type { EndpointLimits, Scrape } from '../judge/index.ts';

/**
 * Reads an endpoint (`/metrics`, or a server's API). It may hang, lie or never end: a deadline and a size hold for all
 * of it together. Redirects are not followed, packed answers not asked for.
 */
export async function fetchMetrics(url: string, limits: EndpointLimits): Promise<Scrape> {
  const { deadlineMs, maxBytes, headers, signal } = limits;
  return await new Promise((resolve) => {
    const give = (scrape: Scrape): void => {
      resolve(scrape);
      request.destroy();
    };
    const options = {
      // A connection of its own, closed afterwards: one kept open would hold up the task's own shutdown.
      agent: false as const,
      headers: { accept: 'text/plain;version=0.0.4', ...headers },
      ...(signal === undefined ? {} : { signal }),
    };
    const request = (url.startsWith('https:') ? getOverTls : get)(url, options, (response) => {
      const status = response.statusCode ?? 0;
      if (status !== 200) return give({ ok: false, trouble: 'unreadable', why: `it answered ${status}` });
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        const why = `it answered with more than ${maxBytes} bytes`;
        if (bytes > maxBytes) return give({ ok: false, trouble: 'too-large', why });
        chunks.push(chunk);
      });
      response.once('end', () => give({ ok: true, text: Buffer.concat(chunks).toString('utf8') }));
      response.once('error', (error) => give({ ok: false, trouble: 'unreachable', why: error.message }));
    });
    request.once('error', (error) => give({ ok: false, trouble: 'unreachable', why: error.message }));
    const why = `no whole answer within ${deadlineMs} ms`;
    const timer = setTimeout(() => give({ ok: false, trouble: 'slow', why }), deadlineMs);
    request.once('close', () => clearTimeout(timer));
  });
}
