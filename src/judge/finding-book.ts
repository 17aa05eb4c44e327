import { sourceTroubles } from '../model/index.ts';
import type { SourceFinding } from './source.ts';

export interface KeptFinding extends SourceFinding {
  readonly remedy: string;
  readonly sinceMs: number;
  readonly lastMs: number;
}

const keepMs = 5 * 60_000;
const maxFindings = 500;

/** What is wrong with metrics now: each trouble of a subject once, since when, until it was not met for five minutes. */
export class FindingBook {
  readonly #kept = new Map<string, KeptFinding>();
  #overflow = 0;

  add(findings: readonly SourceFinding[], nowMs: number): void {
    for (const finding of findings) {
      const key = `${finding.source}\u0000${finding.subject}\u0000${finding.trouble}`;
      const known = this.#kept.get(key);
      if (!known && this.#kept.size >= maxFindings) this.#forget(nowMs);
      if (!known && this.#kept.size >= maxFindings) {
        this.#overflow += 1;
        continue;
      }
      const sinceMs = known && known.lastMs > nowMs - keepMs ? known.sinceMs : nowMs;
      this.#kept.set(key, { ...finding, remedy: sourceTroubles[finding.trouble], sinceMs, lastMs: nowMs });
    }
  }

  /** Longest known first. */
  list(nowMs: number): KeptFinding[] {
    this.#forget(nowMs);
    return [...this.#kept.values()].sort((a, b) => a.sinceMs - b.sinceMs || (a.subject < b.subject ? -1 : 1));
  }

  /** Findings that found no room. */
  get overflow(): number {
    return this.#overflow;
  }

  #forget(nowMs: number): void {
    for (const [key, { lastMs }] of this.#kept) if (lastMs <= nowMs - keepMs) this.#kept.delete(key);
  }
}
