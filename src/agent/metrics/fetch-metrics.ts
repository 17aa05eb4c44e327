import { get } from 'node:http';

/** What an endpoint answered, or why there is nothing. */
export type Scrape = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

/** Reads a `/metrics` endpoint. It may hang, lie or never end: a deadline and a size hold for all of it together. */
export async function fetchMetrics(url: string, deadlineMs: number, maxBytes: number): Promise<Scrape> {
  return await new Promise((resolve) => {
    const give = (scrape: Scrape): void => {
      resolve(scrape);
      request.destroy();
    };
    // A connection of its own, closed afterwards: one kept open would hold up the task's own shutdown.
    const request = get(url, { agent: false, headers: { accept: 'text/plain;version=0.0.4' } }, (response) => {
      const status = response.statusCode ?? 0;
      if (status !== 200) return give({ ok: false, why: `it answered ${status}` });
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) return give({ ok: false, why: `it answered with more than ${maxBytes} bytes` });
        chunks.push(chunk);
      });
      response.once('end', () => give({ ok: true, text: Buffer.concat(chunks).toString('utf8') }));
      response.once('error', (error) => give({ ok: false, why: error.message }));
    });
    request.once('error', (error) => give({ ok: false, why: error.message }));
    const timer = setTimeout(() => give({ ok: false, why: `no whole answer within ${deadlineMs} ms` }), deadlineMs);
    request.once('close', () => clearTimeout(timer));
  });
}
