import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import { agentHeaders, agentProtocolVersion, type OrderLine, signedText } from '../../../api/index.ts';
import { pinnedAgent } from '../../../io/index.ts';

export interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
  readonly bytes: Buffer;
}

export interface AskOptions {
  readonly as?: string;
  readonly timestamp?: number;
  readonly key?: KeyObject;
  readonly headers?: Record<string, string>;
  /** Signs something else than what is sent. */
  readonly signedBody?: Buffer;
}

/** The smallest thing that speaks the agents' protocol, well or (for tests of refusals) badly. */
export class TestAgent {
  readonly name: string;
  readonly version: string;
  readonly #base: string;
  readonly #tls: Agent;
  readonly #keys = generateKeyPairSync('ed25519');
  #batch = 0;
  #sequence = 0;

  constructor(name: string, port: number, fingerprint: string, version = '0.1.0') {
    this.name = name;
    this.version = version;
    this.#base = `https://127.0.0.1:${port}`;
    this.#tls = pinnedAgent(fingerprint);
  }

  async ask(method: string, path: string, body?: unknown, options: AskOptions = {}): Promise<Answer> {
    const content = Buffer.isBuffer(body) ? body : Buffer.from(body === undefined ? '' : JSON.stringify(body));
    const response = await this.#send(method, path, content, options);
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece as Buffer);
    const bytes = Buffer.concat(pieces);
    let json: Record<string, unknown> = {};
    try {
      json = JSON.parse(bytes.toString()) as Record<string, unknown>;
    } catch {
      // bytes it is
    }
    return { status: response.statusCode ?? 0, json, bytes };
  }

  #send(method: string, path: string, content: Buffer, options: AskOptions): Promise<IncomingMessage> {
    const timestamp = String(options.timestamp ?? Date.now());
    const digest = createHash('sha256')
      .update(options.signedBody ?? content)
      .digest('hex');
    const text = signedText(method, path, timestamp, digest);
    const signature = sign(null, Buffer.from(text), options.key ?? this.#keys.privateKey).toString('base64');
    const headers = {
      [agentHeaders.host]: options.as ?? this.name,
      [agentHeaders.timestamp]: timestamp,
      [agentHeaders.signature]: signature,
      ...(method === 'GET' ? {} : { 'content-length': String(content.length) }),
      ...options.headers,
    };
    return new Promise((resolve, reject) => {
      const asked = request(`${this.#base}${path}`, { method, headers, agent: this.#tls }, resolve);
      asked.once('error', reject);
      asked.end(content);
    });
  }

  join(secret: string): Promise<Answer> {
    const publicKey = this.#keys.publicKey.export({ type: 'spki', format: 'pem' });
    return this.ask('POST', '/agent/v1/join', { secret, host: this.name, publicKey, version: this.version });
  }

  hello(over: Record<string, unknown> = {}, options: AskOptions = {}): Promise<Answer> {
    const facts = {
      host: this.name,
      version: this.version,
      protocol: agentProtocolVersion,
      bootId: 'boot-1',
      address: '127.0.10.1',
      labels: { region: 'north', rack: 'r1' },
      capacity: { cpuMillis: 4000, memoryMb: 4000, maxTasks: 10 },
      abilities: [],
      tasks: [],
      packages: [],
      ...over,
    };
    return this.ask('POST', '/agent/v1/hello', facts, options);
  }

  reports(over: Record<string, unknown> = {}): Promise<Answer> {
    this.#batch += 1;
    return this.ask('POST', '/agent/v1/reports', {
      host: this.name,
      batch: this.#batch,
      snapshot: false,
      atMs: Date.now(),
      freeDiskRatio: 0.5,
      tasks: [],
      actions: [],
      begun: [],
      ...over,
    });
  }

  task(over: Record<string, unknown> = {}): Record<string, unknown> {
    this.#sequence += 1;
    return {
      job: 'guestbook@production',
      index: 0,
      incarnation: 1,
      life: 0,
      host: this.name,
      version: 'v_0123456789abcdef',
      state: 'serving',
      ports: { http: 20_000 },
      address: '127.0.10.1',
      sequence: this.#sequence,
      atMs: Date.now(),
      ...over,
    };
  }

  /** Opens the stream of orders; gives the lines as they come. */
  async orders(): Promise<{ lines: OrderLine[]; isOpen: () => boolean; close(): void }> {
    const response = await this.#send('GET', '/agent/v1/orders', Buffer.alloc(0), {});
    const lines: OrderLine[] = [];
    let isOpen = true;
    const reader = createInterface({ input: response });
    reader.on('error', () => undefined);
    reader.on('line', (line) => lines.push(JSON.parse(line) as OrderLine));
    response.on('error', () => undefined);
    response.on('close', () => {
      isOpen = false;
    });
    return { lines, isOpen: () => isOpen, close: () => void response.destroy() };
  }

  close(): void {
    this.#tls.destroy();
  }
}
