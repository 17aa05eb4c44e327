import { applyDelta, type Frames, type ProblemDocument, type Topic } from '../../../src/api/index.ts';

/** What is known of one topic. `data` is the last that came; whether it is still true says the connection. */
export interface TopicState {
  readonly data: Readonly<Record<string, unknown>> | undefined;
  readonly problem: ProblemDocument | undefined;
}

/** Whether what is shown is live. */
export interface Freshness {
  readonly state: 'idle' | 'connecting' | 'live' | 'stale' | 'signed-out';
  /** When the server last said anything, by our clock. */
  readonly heardAtMs: number | undefined;
  /** When it last told something new. */
  readonly changedAtMs: number | undefined;
}

/** A server that says nothing for so long is gone: it pulses at least every five seconds. */
const silenceMs = 12_000;
const reopenAfterMs = 1500;
const hiddenMs = 5000;

/**
 * The one stream of this tab. Screens name the topics they show; the stream is opened anew when these change. A broken
 * line is told as stale at once, and what it showed stays: greyed, never passed off as new.
 */
export class LiveConnection {
  #wanted = new Map<Topic, number>();
  #states = new Map<Topic, TopicState>();
  #listeners = new Set<() => void>();
  #source: EventSource | undefined;
  #opened = '';
  #freshness: Freshness = {
    state: 'idle',
    heardAtMs: undefined,
    changedAtMs: undefined,
  };
  #reopening: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #telling: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#tellNow();
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly freshness = (): Freshness => this.#freshness;

  stateOf(topic: Topic): TopicState | undefined {
    return this.#states.get(topic);
  }

  /** Shows a topic until the returned function is called. */
  follow(topic: Topic): () => void {
    this.#wanted.set(topic, (this.#wanted.get(topic) ?? 0) + 1);
    this.#reopen(0);
    return () => {
      const count = (this.#wanted.get(topic) ?? 1) - 1;
      if (count > 0) this.#wanted.set(topic, count);
      else this.#wanted.delete(topic);
      this.#reopen(200);
    };
  }

  #reopen(afterMs: number): void {
    clearTimeout(this.#reopening);
    this.#reopening = setTimeout(() => this.#open(), afterMs);
  }

  #open(): void {
    const topics = [...this.#wanted.keys()].sort().join(',');
    const isOpen = this.#source !== undefined && this.#source.readyState !== EventSource.CLOSED;
    if (topics === this.#opened && isOpen) return;
    this.#source?.close();
    this.#opened = topics;
    this.#source = undefined;
    if (topics === '') this.#rest();
    else this.#openOn(topics);
  }

  #openOn(topics: string): void {
    for (const topic of this.#states.keys()) if (!this.#wanted.has(topic)) this.#states.delete(topic);
    if (this.#freshness.state === 'idle') this.#freshness = { ...this.#freshness, state: 'connecting' };
    const source = new EventSource(`/api/v1/live?topics=${encodeURIComponent(topics)}`);
    this.#source = source;
    const on = <K extends keyof Frames>(name: K, handle: (frame: Frames[K]) => void) =>
      source.addEventListener(name, (event) => {
        this.#heard(name !== 'pulse' && name !== 'hello');
        handle(JSON.parse((event as MessageEvent<string>).data) as Frames[K]);
        this.#tell();
      });
    on('hello', () => undefined);
    on('pulse', () => undefined);
    on('snapshot', ({ topic, data }) => {
      this.#states.set(topic, { data: data as Record<string, unknown>, problem: undefined });
    });
    on('delta', ({ topic, delta }) => {
      const before = this.#states.get(topic)?.data;
      if (before !== undefined) this.#states.set(topic, { data: applyDelta(before, delta), problem: undefined });
    });
    on('gone', ({ topic, problem }) => this.#states.set(topic, { data: undefined, problem }));
    source.onerror = () => void this.#lost(source);
    this.#watch ??= setInterval(() => this.#checkSilence(), 1000);
  }

  /** Nothing on the screen is live. */
  #rest(): void {
    this.#freshness = { state: 'idle', heardAtMs: undefined, changedAtMs: undefined };
    this.#tell();
  }

  #heard(isNew: boolean): void {
    const nowMs = Date.now();
    this.#freshness = {
      state: 'live',
      heardAtMs: nowMs,
      changedAtMs: isNew ? nowMs : this.#freshness.changedAtMs,
    };
  }

  async #lost(source: EventSource): Promise<void> {
    if (source !== this.#source) return;
    this.#freshness = { ...this.#freshness, state: this.#freshness.heardAtMs === undefined ? 'connecting' : 'stale' };
    this.#tell();
    if (source.readyState !== EventSource.CLOSED) return;
    // The browser gave up: the answer was no stream. Ask why.
    const answer = await fetch('/api/v1/me').catch(() => undefined);
    if (answer?.status === 401) this.#freshness = { ...this.#freshness, state: 'signed-out' };
    this.#tell();
    if (answer?.status !== 401) this.#reopen(reopenAfterMs);
  }

  #checkSilence(): void {
    const { state, heardAtMs, changedAtMs } = this.#freshness;
    if (state !== 'live' || heardAtMs === undefined || Date.now() - heardAtMs < silenceMs) return;
    this.#freshness = { state: 'stale', heardAtMs, changedAtMs };
    this.#source?.close();
    this.#reopen(0);
    this.#tell();
  }

  /** At once while somebody looks; every five seconds for a hidden page, whose title still tells. */
  #tell(): void {
    if (!document.hidden) this.#tellNow();
    else this.#telling ??= setTimeout(() => this.#tellNow(), hiddenMs);
  }

  readonly #tellNow = (): void => {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    for (const listener of this.#listeners) listener();
  };
}

export const connection = new LiveConnection();
