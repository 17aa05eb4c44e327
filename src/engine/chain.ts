import { sha256 } from '../kit/index.ts';
import type { Tx } from '../store/index.ts';
import type { ChainReport } from './engine.ts';
import { hashOfEvent, nextDigest } from './events.ts';
import { type EventRow, findFact, listOfStream, listSealed, listStreams, loadSeal } from './events-rows.ts';
import { factsOf } from './read-events.ts';

const page = 1000;

type Broken = NonNullable<ChainReport['broken']>;

/** Recomputes a stream's hashes: an event that was changed, removed, added or moved breaks them. */
export async function verifyStream(tx: Tx, stream: string): Promise<ChainReport> {
  let sequence = 0;
  let previous = '';
  for (;;) {
    const rows = await listOfStream(tx, stream, sequence, page);
    for (const row of rows) {
      const reason = await whatIsWrong(tx, row, sequence + 1, previous);
      if (reason !== undefined)
        return { ok: false, events: sequence, broken: { stream, sequence: row.sequence, reason } };
      sequence = row.sequence;
      previous = row.hash;
    }
    if (rows.length < page) return { ok: true, events: sequence };
  }
}

async function whatIsWrong(tx: Tx, row: EventRow, expected: number, previous: string): Promise<string | undefined> {
  if (row.sequence !== expected) return `event ${expected} of the stream is missing`;
  if (hashOfEvent(previous, row) !== row.hash) return 'its content does not fit its hash';
  if (row.facts === 0) return undefined;
  for (const [name, digest] of factsOf(JSON.parse(row.data) as Record<string, unknown>)) {
    const content = await findFact(tx, digest);
    if (content === undefined) return `the fact behind "${name}" is missing`;
    if (sha256(content) !== digest) return `the fact behind "${name}" was changed`;
  }
  return undefined;
}

/** Every stream, then the global order: positions without a gap, and the rolling digest at its end. */
export async function verifyAll(tx: Tx): Promise<ChainReport> {
  let events = 0;
  for (let last = ''; ; ) {
    const streams = await listStreams(tx, last, page);
    for (const stream of streams) {
      const report = await verifyStream(tx, stream);
      if (!report.ok) return report;
      events += report.events;
      last = stream;
    }
    if (streams.length < page) break;
  }
  const broken = await whatIsWrongGlobally(tx);
  return broken === undefined ? { ok: true, events } : { ok: false, events, broken };
}

async function whatIsWrongGlobally(tx: Tx): Promise<Broken | undefined> {
  const seal = await loadSeal(tx);
  let position = 0;
  let digest = '';
  for (;;) {
    const rows = await listSealed(tx, position, page);
    for (const row of rows) {
      if (row.position !== position + 1) {
        return { stream: row.stream, sequence: row.sequence, reason: `position ${position + 1} is missing before it` };
      }
      position += 1;
      digest = nextDigest(digest, row.hash);
    }
    if (rows.length < page) break;
  }
  if (position === seal.position && digest === seal.digest) return undefined;
  return { stream: '*', sequence: position, reason: 'the end of the global order does not fit its seal' };
}
