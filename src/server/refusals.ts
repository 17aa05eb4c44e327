import type { Engine } from '../engine/index.ts';
import type { Clock } from '../kit/index.ts';
import { type Actor, type NewEvent, rollway } from '../model/index.ts';

/** A request that would have changed something, refused before it reached a handler. */
export interface Refusal {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly code: string;
  readonly requestId: string;
  /** The address it came from; of those who are known, their name. */
  readonly source: string;
  /** Whoever it was, if the request showed that. */
  readonly actor: Actor | undefined;
}

/** Keeps refused requests in the audit without letting anybody fill the disk with them. */
export interface Refusals {
  /** Never throws: what cannot be written down is still refused. */
  record(refusal: Refusal): Promise<void>;
  /** Since the start, written down or not. */
  readonly total: number;
}

/** So many are written down one by one, an hour: of one source, and of all (2 MB a day); what is more is counted. */
export const refusalsPerHour = { ofOneSource: 20, ofAll: 200 } as const;
const hourMs = 3_600_000;

interface Hour {
  readonly startedAtMs: number;
  readonly written: Map<string, number>;
  all: number;
  muted: number;
}

export function createRefusals(
  { engine, clock }: { readonly engine: Pick<Engine, 'append'>; readonly clock: Pick<Clock, 'nowMs'> },
  onTrouble: (error: unknown) => void,
): Refusals {
  let hour = begin();
  let total = 0;

  function begin(): Hour {
    return { startedAtMs: clock.nowMs(), written: new Map(), all: 0, muted: 0 };
  }

  /** What there is to say of one more. */
  function eventsOf(refusal: Refusal): NewEvent[] {
    const events: NewEvent[] = [];
    if (clock.nowMs() - hour.startedAtMs >= hourMs) {
      if (hour.muted > 0) events.push(countEvent(hour.muted, hour.startedAtMs));
      hour = begin();
    }
    const { source } = refusal;
    const ofSource = hour.written.get(source) ?? 0;
    if (hour.all >= refusalsPerHour.ofAll || ofSource >= refusalsPerHour.ofOneSource) {
      hour.muted += 1;
      if (hour.muted === 1) events.push(muteEvent(source));
      return events;
    }
    hour.written.set(source, ofSource + 1);
    hour.all += 1;
    events.push(refusalEvent(refusal));
    return events;
  }

  return {
    get total() {
      return total;
    },
    async record(refusal) {
      total += 1;
      const events = eventsOf(refusal);
      if (events.length === 0) return;
      await engine.append({ events }).catch(onTrouble);
    },
  };
}

const stream = 'server/audit';

function refusalEvent({ actor, source, path, ...refusal }: Refusal): NewEvent {
  const where = path.slice(0, 200);
  const who = source.slice(0, 100);
  const sentence = `Refused (${refusal.code}): ${refusal.method.slice(0, 10)} ${where}, from ${who}.`;
  const data = { ...refusal, method: refusal.method.slice(0, 10), path: where, source: who, sentence };
  return { stream, type: 'request.refused', actor: actor ?? rollway('face'), data };
}

function muteEvent(source: string): NewEvent {
  const sentence = `Many requests are refused, this hour also from ${source.slice(0, 100)}: from here on they are only counted.`;
  return { stream, type: 'request.refusals-muted', actor: rollway('face'), data: { source, sentence } };
}

function countEvent(count: number, sinceMs: number): NewEvent {
  const sentence = `${count} more requests were refused in the hour from ${new Date(sinceMs).toISOString().slice(0, 16).replace('T', ' ')} UTC on.`;
  return { stream, type: 'request.refusals-counted', actor: rollway('face'), data: { count, sinceMs, sentence } };
}
