import type { Core } from './core.ts';
import { tellListeners, transact } from './core.ts';
import { nextDigest } from './events.ts';
import { claimSeal, listUnsealed, recordPositions, recordSeal } from './events-rows.ts';

const batch = 500;

/**
 * PostgreSQL: gives committed events their global positions. The seal's row is locked by whoever seals, so that two
 * sealers cannot disagree; the lease only keeps them from standing in each other's way. Returns how many.
 */
export async function sealOnce(core: Core): Promise<number> {
  if (core.store.kind === 'sqlite') return 0;
  const sealed = await transact(core, { what: 'seal', kind: 'seal', key: core.processId }, async (tx) => {
    const now = core.clock.nowMs();
    const head = await claimSeal(tx, { owner: core.processId, now, until: now + core.settings.sealLeaseMs });
    if (head === undefined) return undefined;
    const events = await listUnsealed(tx, batch);
    if (events.length === 0) return undefined;
    let { position, digest } = head;
    await recordPositions(
      tx,
      events.map((event) => event.id),
      position + 1,
    );
    position += events.length;
    for (const event of events) digest = nextDigest(digest, event.hash);
    await recordSeal(tx, { position, digest });
    return { position, count: events.length };
  });
  if (sealed === undefined) return 0;
  tellListeners(core, sealed.position);
  return sealed.count;
}

/** Seals until nothing is left. */
export async function sealAll(core: Core): Promise<void> {
  while ((await sealOnce(core)) > 0);
}
