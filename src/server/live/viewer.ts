import type { EventView, Topic } from '../../api/index.ts';
import { problemDocumentOf } from '../errors.ts';
import { encodeFrame, retryLine } from './frames.ts';
import { encodeDelta, encodeSnapshot, type State } from './topic.ts';

/** Bytes that may wait for a slow reader before it is left out until it has caught up. */
const maxWaitingBytes = 262_144;

/**
 * One open stream. It remembers what it was last told of each topic; whoever reads slowly misses states in between,
 * never the newest one, because each delta is made from what that reader knows.
 */
export class Viewer {
  readonly topics: readonly Topic[];
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Facts after this position are still to be told; undefined: it did not ask for them. */
  factsAfter: number | undefined;
  lastSentAtMs: number;
  blockedSinceMs: number | undefined;
  isClosed = false;
  readonly #told = new Map<Topic, State>();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  readonly #requestId: string;

  constructor(
    topics: readonly Topic[],
    factsAfter: number | undefined,
    requestId: string,
    nowMs: number,
    onClose: () => void,
  ) {
    this.topics = topics.filter((topic) => topic !== 'events');
    this.factsAfter = topics.includes('events') ? factsAfter : undefined;
    this.lastSentAtMs = nowMs;
    this.#requestId = requestId;
    this.stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => {
          this.#controller = controller as ReadableStreamDefaultController<Uint8Array>;
        },
        cancel: () => {
          this.isClosed = true;
          onClose();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: maxWaitingBytes }),
    );
  }

  /** Whether it has read what it was sent. */
  mayWrite(nowMs: number): boolean {
    const isFree = !this.isClosed && (this.#controller.desiredSize ?? 0) > 0;
    this.blockedSinceMs = isFree ? undefined : (this.blockedSinceMs ?? nowMs);
    return isFree;
  }

  greet(position: number, nowMs: number, version: string): void {
    this.#send(retryLine, nowMs);
    this.#send(encodeFrame('hello', { position, nowMs, version }), nowMs);
  }

  /** Tells the difference between what it knows of a topic and what is so now. */
  tell(topic: Topic, state: State, nowMs: number): void {
    const before = this.#told.get(topic);
    if (before === state) return;
    this.#told.set(topic, state);
    if (!state.loaded.ok) {
      if (before === undefined || before.loaded.ok) {
        const problem = problemDocumentOf(state.loaded.problem, this.#requestId);
        this.#send(encodeFrame('gone', { topic, problem }), nowMs);
      }
      return;
    }
    if (before === undefined || !before.loaded.ok) this.#send(encodeSnapshot(topic, state, state.loaded.data), nowMs);
    else {
      const delta = encodeDelta(topic, before, state);
      if (delta) this.#send(delta, nowMs);
    }
  }

  tellFacts(facts: readonly EventView[], nowMs: number): void {
    for (const fact of facts) {
      this.#send(encodeFrame('fact', fact, fact.position), nowMs);
      this.factsAfter = fact.position;
    }
  }

  pulse(position: number, nowMs: number): void {
    this.#send(encodeFrame('pulse', { position, nowMs }), nowMs);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#controller.close();
  }

  #send(bytes: Uint8Array, nowMs: number): void {
    if (this.isClosed) return;
    this.#controller.enqueue(bytes);
    this.lastSentAtMs = nowMs;
  }
}
