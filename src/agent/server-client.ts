import { type KeyObject, sign } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Agent, request } from 'node:https';
import { agentHeaders, signedText } from '../api/index.ts';
import { pinnedAgent } from '../io/pinned-tls.ts';
import { sha256 } from '../kit/index.ts';

const defaultTimeoutMs = 15_000;
const maxAnswerBytes = 80 * 1024 * 1024;

/** The server answered, and it was not what was asked for. */
export class RefusedError extends Error {
  readonly status: number;
  readonly code: string | undefined;
  /** What the server says besides. */
  readonly detail: string | undefined;
  constructor(path: string, status: number, body: string) {
    const { code, detail, title } = parseProblem(body);
    super(`${path}: ${status} ${[title, detail].filter(Boolean).join(': ')}`.trim());
    this.name = 'RefusedError';
    this.status = status;
    this.code = code;
    this.detail = detail;
  }

  /** Asking again with the same words can only be answered the same way. */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && ![408, 409, 425, 429].includes(this.status);
  }
}

export interface Call {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface ClientOptions {
  readonly addresses: readonly string[];
  readonly fingerprint: string;
  /** Absent only while joining. */
  readonly as?: { readonly host: string; readonly key: KeyObject } | undefined;
}

/** Speaks to the server: TLS pinned to its certificate, every request signed, the next address when one fails. */
export class ServerClient {
  readonly #options: ClientOptions;
  readonly #agent: Agent;
  /** The address that answered last, and how often none has since. */
  #good = 0;
  #failures = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#agent = pinnedAgent(options.fingerprint);
  }

  /** The one that is asked next: the one that answered last, and after a failure every second time one of the others. */
  get address(): string {
    return this.#options.addresses[this.#next] ?? '';
  }

  get #next(): number {
    const step = this.#failures % 2 === 0 ? 0 : 1 + Math.floor(this.#failures / 2);
    return (this.#good + step) % this.#options.addresses.length;
  }

  async postJson(path: string, body: unknown, call: Call = {}): Promise<unknown> {
    const headers = { 'content-type': 'application/json', ...call.headers };
    const answer = await this.send('POST', path, Buffer.from(JSON.stringify(body)), { ...call, headers });
    const text = answer.toString('utf8');
    return text === '' ? undefined : JSON.parse(text);
  }

  /** The whole answer's body; rejects with `RefusedError` unless the status is 2xx. */
  async send(method: 'GET' | 'POST', path: string, body: Uint8Array, call: Call = {}): Promise<Buffer> {
    const timeout = AbortSignal.timeout(call.timeoutMs ?? defaultTimeoutMs);
    const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
    const response = await this.#open(method, path, body, signal, call.headers);
    const content = await readAll(response);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return content;
    throw new RefusedError(path, status, content.toString('utf8'));
  }

  /** An answer that goes on; the caller reads it, and watches for its silence. */
  async stream(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#open('GET', path, new Uint8Array(), signal, {});
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw new RefusedError(path, status, (await readAll(response)).toString('utf8'));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #open(
    method: string,
    path: string,
    body: Uint8Array,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<IncomingMessage> {
    const [next, address] = [this.#next, this.address];
    const signed = { ...headers, ...this.#signature(method, path, body), 'content-length': String(body.byteLength) };
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const url = new URL(path, address);
        const outgoing = request(url, { method, headers: signed, agent: this.#agent, signal }, resolve);
        outgoing.once('error', reject);
        outgoing.end(body);
      });
      this.#good = next;
      this.#failures = 0;
      return response;
    } catch (cause) {
      this.#failures += 1;
      throw cause;
    }
  }

  #signature(method: string, path: string, body: Uint8Array): Record<string, string> {
    const { as } = this.#options;
    if (!as) return {};
    const timestamp = String(Date.now());
    const text = signedText(method, path, timestamp, sha256(body));
    return {
      [agentHeaders.host]: as.host,
      [agentHeaders.timestamp]: timestamp,
      [agentHeaders.signature]: sign(null, Buffer.from(text), as.key).toString('base64'),
    };
  }
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) {
      response.destroy();
      throw new Error(`the server's answer is larger than ${maxAnswerBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseProblem(body: string): { code?: string; detail?: string; title?: string } {
  try {
    const { code, detail, title } = JSON.parse(body) as Record<string, unknown>;
    return {
      ...(typeof code === 'string' && { code }),
      ...(typeof detail === 'string' && { detail }),
      ...(typeof title === 'string' && { title }),
    };
  } catch {
    return {};
  }
}
