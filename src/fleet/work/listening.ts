import type { HostId } from '../../model/index.ts';
import type { Tx } from '../../store/index.ts';
import * as rows from '../rows.ts';

/** Writes that a server listens, whom it has heard since the last time, and how full their disks are. */
export function listeningWrites(
  listener: string,
  hosts: readonly HostId[],
  disks: readonly { readonly host: HostId; readonly freeDiskRatio: number }[],
  atMs: number,
): (tx: Tx) => Promise<void> {
  return async (tx) => {
    await rows.saveListener(tx, listener, atMs);
    await rows.deleteListenersBefore(tx, atMs - forgetListenerAfterMs);
    await rows.updateLastSeen(tx, hosts, atMs);
    for (const { host, freeDiskRatio } of disks) await rows.updateFreeDisk(tx, host, freeDiskRatio);
  };
}

/** Writes that a server does not listen any more: silence is not counted until another one does. */
export function stopListeningWrites(listener: string): (tx: Tx) => Promise<void> {
  return (tx) => rows.deleteListener(tx, listener);
}

const forgetListenerAfterMs = 60_000;
