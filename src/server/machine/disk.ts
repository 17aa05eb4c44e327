import { freeDiskRatio } from '../../io/index.ts';
import type { Clock } from '../../kit/index.ts';
import { err, ok, type Problem, problem, type Result } from '../../model/index.ts';
import type { ServerSettings } from '../settings.ts';

/** The server's own disk, which builds and uploads fill. */
export interface Disk {
  /** A problem (507) while too little of it is free: nothing large may be written. */
  checkRoom(): Promise<Result<void, Problem>>;
}

/** Chunks come by the thousand; the disk is looked at once per second. */
const lookEveryMs = 1000;

export function watchDisk(
  { dataFolder, leastFreeDiskRatio }: Pick<ServerSettings, 'dataFolder' | 'leastFreeDiskRatio'>,
  clock: Pick<Clock, 'nowMs'>,
): Disk {
  let seen: { readonly atMs: number; readonly ratio: number } | undefined;
  return {
    async checkRoom() {
      const nowMs = clock.nowMs();
      if (seen === undefined || nowMs - seen.atMs >= lookEveryMs || nowMs < seen.atMs) {
        seen = { atMs: nowMs, ratio: await freeDiskRatio(dataFolder) };
      }
      if (seen.ratio >= leastFreeDiskRatio) return ok(undefined);
      const percent = Math.floor(seen.ratio * 1000) / 10;
      const detail = `${percent} % of the server's disk is free; nothing is taken in below ${leastFreeDiskRatio * 100} %.`;
      return err(problem('artifact/disk-full', detail, { freeRatio: seen.ratio }));
    },
  };
}

/** The same store, which takes nothing in while there is no room. */
export function withRoom<
  Store extends {
    putChunk(digest: string, content: Uint8Array): Promise<Result<void>>;
    putManifest(digest: string, content: Uint8Array): Promise<Result<void>>;
  },
>(store: Store, disk: Disk): Store {
  const unlessFull =
    (put: Store['putChunk']): Store['putChunk'] =>
    async (digest, content) => {
      const room = await disk.checkRoom();
      return room.ok ? put(digest, content) : room;
    };
  return { ...store, putChunk: unlessFull(store.putChunk), putManifest: unlessFull(store.putManifest) };
}
