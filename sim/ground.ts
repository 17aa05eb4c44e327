import { VirtualClock } from './clock.ts';
import { Kills } from './kills.ts';
import type { Scenario } from './scenario.ts';
import { Streams } from './streams.ts';
import { startMs } from './versions.ts';

/** Whoever reads what happens. */
export interface Readers {
  readonly trace?: (line: string) => void;
  /** Collects what was decided and seen, for determinism. */
  readonly record?: (line: string) => void;
}

/** What every part of a run stands on, at either depth: the scenario, virtual time, chance, and how the server is. */
export class Ground {
  readonly scenario: Scenario;
  readonly clock = new VirtualClock(startMs);
  readonly streams: Streams;
  readonly kills = new Kills();
  isServerUp = true;
  stalledUntilMs = 0;
  /** By how much the server's clock is wrong. */
  offsetMs = 0;
  readonly #readers: Readers;

  constructor(scenario: Scenario, readers: Readers) {
    this.scenario = scenario;
    this.streams = new Streams(scenario.seed);
    this.#readers = readers;
  }

  serverMs(): number {
    return this.clock.nowMs() + this.offsetMs;
  }

  /** Words are only made when somebody reads them. */
  record(what: string, say?: () => string): void {
    const { trace, record } = this.#readers;
    if (trace === undefined && record === undefined) return;
    const line = say === undefined ? what : `${what} ${say()}`;
    trace?.(`${((this.clock.nowMs() - startMs) / 1000).toFixed(3).padStart(9)} ${line}`);
    record?.(`${this.clock.nowMs()} ${line}`);
  }
}
