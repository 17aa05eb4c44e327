import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { taskControlMaxBytes, taskControlRequestSchema } from '../model/index.ts';
import { answerTaskControl, type DecideAcks } from './task-control.ts';

export interface ServeTaskControl {
  /** Which operations may proceed. What it throws is answered with status 500, which acks nothing. */
  readonly decide: DecideAcks;
  /** Default: any free one. */
  readonly port?: number;
  /** Default: `127.0.0.1`. */
  readonly host?: string;
  /** When given, requests must carry it: `Authorization: Bearer <token>`. */
  readonly token?: string;
  readonly onError?: (error: unknown) => void;
}

export interface TaskControlServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A TaskController over HTTP.
 *
 * @example
 * await serveTaskControl({ port: 9000, decide: ackEach((task, out) => out.size === 0 || 'one at a time') });
 */
export async function serveTaskControl(options: ServeTaskControl): Promise<TaskControlServer> {
  const server = createServer(taskControlListener(options));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** The same for a server that listens already. */
export function taskControlListener({ decide, token, onError }: ServeTaskControl): RequestListener {
  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      onError?.(error);
      send(response, 500, { error: 'the controller could not decide' });
    });
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return send(response, 405, { error: 'POST a TaskControl request' });
    if (token !== undefined && !isSame(request.headers.authorization ?? '', `Bearer ${token}`)) {
      return send(response, 401, { error: 'the token is missing or wrong' });
    }
    const body = await readBody(request);
    if (body === undefined) return send(response, 413, { error: 'the request is too large' });
    const parsed = taskControlRequestSchema.safeParse(parseJson(body));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return send(response, 400, { error: `${issue?.path.join('.')}: ${issue?.message}` });
    }
    send(response, 200, await answerTaskControl(parsed.data, decide));
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > taskControlMaxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function send(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
