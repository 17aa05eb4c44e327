import type { Order, OrderAck, OrderLine } from '../../api/index.ts';
import type { Clock } from '../../kit/index.ts';
import { type HostId, type OperationId, ProblemError, problem } from '../../model/index.ts';
import type { CancelAnswer } from '../port.ts';

/** One open stream to an agent. */
export interface OrderStream {
  write(line: OrderLine): void;
  /** The agent opened a newer stream, or the server is closing. */
  end(): void;
}

interface Pending {
  readonly delivery: number;
  readonly order: Order;
  settle(answer: CancelAnswer | undefined): void;
  fail(error: Error): void;
}

/** The agent is not connected, or did not answer in time: the effect is tried again. */
export class AgentUnreachable extends ProblemError {
  constructor(host: HostId, detail: string) {
    super(problem('agent/unreachable', detail, { host }));
    this.name = 'AgentUnreachable';
  }
}

export interface OrderBookOptions {
  readonly clock: Clock;
  /** How long an order may stay unacknowledged, over reconnects, until its sender is told to try again. */
  readonly ackTimeoutMs?: number;
}

/**
 * Orders on their way to agents. An order stays here until its agent says that it is written down; a stream that
 * opens anew begins with all that are left. Nothing here is durable: the effect behind each order is, and agents know
 * operation ids, so a second delivery does no harm.
 */
export class OrderBook {
  readonly #clock: Clock;
  readonly #ackTimeoutMs: number;
  readonly #streams = new Map<HostId, OrderStream>();
  readonly #pending = new Map<HostId, Map<number, Pending>>();
  #nextDelivery: number;

  constructor(options: OrderBookOptions) {
    this.#clock = options.clock;
    this.#ackTimeoutMs = options.ackTimeoutMs ?? 10_000;
    // Begins above every number an earlier life of this server gave out, so that an old acknowledgement fits nothing.
    this.#nextDelivery = options.clock.nowMs() * 1000;
  }

  isConnected(host: HostId): boolean {
    return this.#streams.has(host);
  }

  connectedHosts(): HostId[] {
    return [...this.#streams.keys()].sort();
  }

  /** One stream per host: a newer one ends the older. Gives what detaches it again. */
  attach(host: HostId, stream: OrderStream): () => void {
    this.#streams.get(host)?.end();
    this.#streams.set(host, stream);
    for (const { delivery, order } of this.#pending.get(host)?.values() ?? []) stream.write({ delivery, order });
    return () => {
      if (this.#streams.get(host) === stream) this.#streams.delete(host);
    };
  }

  /** Resolves when the agent has written the order down; of a cancel, with what it met. */
  async send(host: HostId, order: Order, signal: AbortSignal): Promise<CancelAnswer | undefined> {
    signal.throwIfAborted();
    const stream = this.#streams.get(host);
    if (stream === undefined) throw new AgentUnreachable(host, `The agent of ${host} is not connected.`);
    const delivery = this.#nextDelivery++;
    const timer = new AbortController();
    try {
      return await new Promise<CancelAnswer | undefined>((settle, fail) => {
        this.#remember(host, { delivery, order, settle, fail });
        this.#clock.sleepUntil(this.#clock.nowMs() + this.#ackTimeoutMs, AbortSignal.any([signal, timer.signal])).then(
          () => fail(new AgentUnreachable(host, `The agent of ${host} did not acknowledge an order in time.`)),
          (reason: unknown) => fail(reason instanceof Error ? reason : new Error('aborted', { cause: reason })),
        );
        stream.write({ delivery, order });
      });
    } finally {
      timer.abort();
      this.#pending.get(host)?.delete(delivery);
    }
  }

  acknowledge(host: HostId, ack: Pick<OrderAck, 'deliveries' | 'cancels'>): void {
    const answers = new Map<OperationId, CancelAnswer>(ack.cancels.map((c) => [c.id as OperationId, c.answer]));
    for (const delivery of ack.deliveries) {
      const pending = this.#pending.get(host)?.get(delivery);
      if (pending === undefined) continue;
      if (pending.order.type !== 'cancel') pending.settle(undefined);
      else {
        const answer = answers.get(pending.order.id as OperationId);
        if (answer !== undefined) pending.settle(answer);
      }
    }
  }

  /** Ends every stream; whoever waits is told to try again. */
  close(): void {
    for (const stream of this.#streams.values()) stream.end();
    this.#streams.clear();
    for (const [host, orders] of this.#pending) {
      for (const pending of orders.values()) pending.fail(new AgentUnreachable(host, 'The server is stopping.'));
    }
    this.#pending.clear();
  }

  #remember(host: HostId, pending: Pending): void {
    const orders = this.#pending.get(host) ?? new Map<number, Pending>();
    orders.set(pending.delivery, pending);
    this.#pending.set(host, orders);
  }
}
