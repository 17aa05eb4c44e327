import { seededChance } from '../kit/index.ts';
import { maxChunkBytes } from './manifest.ts';

/** Pieces are between 64 KiB and 1 MiB, 256 KiB on average; only the last one may be smaller. */
export const minChunkBytes = 64 * 1024;
const averageBytes = 256 * 1024;

// A hash over the last 32 bytes decides where to cut. Twenty bits below the average and sixteen above it pull sizes
// towards the middle. The table must never change, or new packages would share nothing with old ones.
const maskBelowAverage = 0xfffff000;
const maskAboveAverage = 0xffff0000;
const gear = makeGear();

/**
 * Cuts a stream of bytes where its content says: an insertion moves the bytes behind it, but not the cuts between
 * them, so all chunks but those around the change stay the same.
 */
export interface Cutter {
  /** Chunks that are finished with these bytes. */
  push(bytes: Uint8Array): Uint8Array[];
  /** What is left. */
  end(): Uint8Array | undefined;
}

export function createCutter(): Cutter {
  const buffer = new Uint8Array(maxChunkBytes);
  let filled = 0;
  let hash = 0;
  return {
    push(bytes) {
      const finished: Uint8Array[] = [];
      let from = 0;
      while (from < bytes.length) {
        const room = Math.min(bytes.length - from, maxChunkBytes - filled);
        const cutAt = findCut(bytes, from, room);
        const taken = cutAt ?? room;
        buffer.set(bytes.subarray(from, from + taken), filled);
        filled += taken;
        from += taken;
        if (cutAt !== undefined || filled === maxChunkBytes) finished.push(take());
      }
      return finished;
    },
    end() {
      return filled > 0 ? take() : undefined;
    },
  };

  /** How many of the next `room` bytes belong to this chunk when it ends within them. */
  function findCut(bytes: Uint8Array, from: number, room: number): number | undefined {
    for (let n = Math.max(0, minChunkBytes - 32 - filled); n < room; n++) {
      hash = ((hash << 1) + gear[bytes[from + n]!]!) | 0;
      const size = filled + n + 1;
      if (size < minChunkBytes) continue;
      if ((hash & (size < averageBytes ? maskBelowAverage : maskAboveAverage)) === 0) return n + 1;
    }
    return undefined;
  }

  function take(): Uint8Array {
    const chunk = buffer.slice(0, filled);
    filled = 0;
    hash = 0;
    return chunk;
  }
}

function makeGear(): Int32Array {
  const chance = seededChance(0x526f6c6c, 'gear');
  return Int32Array.from({ length: 256 }, () => Math.floor(chance.next() * 4294967296) | 0);
}
