import { formatDuration } from '../kit/index.ts';
import type { JobId, JudgeSpec, Sample, VersionId } from '../model/index.ts';
import { type BinTable, nobody } from './bin-table.ts';
import type { Confounder } from './port.ts';

/** One cause is believed for so long in one phase: what lasts is no excuse, it is how things are. */
export const believedMs = 15 * 60_000;
/** A cause still works a little after it ended: queues empty, connections come back. */
const aftermathBins = 2;

type Declared = NonNullable<JudgeSpec['confounders']>[number];

/**
 * When a third party was in trouble, by its metric: one entry for each time without a break. The version that is judged
 * is not asked: it must not be able to excuse itself.
 */
export function declaredConfounders(
  declared: readonly Declared[],
  samples: readonly Sample[],
  binMs: number,
  judged?: { readonly job: JobId; readonly version: VersionId },
): Confounder[] {
  return declared.flatMap(({ name, metric, above }) => {
    const bins = new Set<number>();
    for (const { job, version, metric: own, value, fromMs } of samples) {
      if (job === judged?.job && version === judged.version) continue;
      if (own !== metric || 'histogramDelta' in value) continue;
      const level = 'gauge' in value ? value.gauge : value.counterDelta;
      if (level > above) bins.add(Math.floor(fromMs / binMs));
    }
    const found: { what: string; fromMs: number; toMs: number }[] = [];
    for (const bin of [...bins].sort((a, b) => a - b)) {
      const last = found.at(-1);
      const [fromMs, toMs] = [bin * binMs, (bin + 1 + aftermathBins) * binMs];
      if (last && last.toMs >= fromMs) last.toMs = toMs;
      else found.push({ what: name, fromMs, toMs });
    }
    return found;
  });
}

/** Those that are believed, and the names of those that have lasted too long in this phase to be. */
export function believable(
  confounders: readonly Confounder[],
  sinceMs: number,
  nowMs: number,
): { readonly believed: readonly Confounder[]; readonly lasting: readonly string[] } {
  const spent = timeOf(confounders, sinceMs, nowMs);
  const lasting = [...spent].flatMap(([what, ms]) => (ms > believedMs ? [what] : [])).sort();
  return { believed: confounders.filter(({ what }) => !lasting.includes(what)), lasting };
}

/** How long each was in trouble; of one that touches some tasks each, as long as with the worst of them. */
function timeOf(confounders: readonly Confounder[], sinceMs: number, nowMs: number): Map<string, number> {
  const perTask = new Map<string, number>();
  const longest = new Map<string, number>();
  for (const one of confounders) {
    const key = `${one.what}/${one.indices?.join() ?? ''}`;
    const ms = (perTask.get(key) ?? 0) + within(one, sinceMs, nowMs);
    perTask.set(key, ms);
    if (ms > 0) longest.set(one.what, Math.max(longest.get(one.what) ?? 0, ms));
  }
  return longest;
}

function within({ fromMs, toMs }: Confounder, sinceMs: number, nowMs: number): number {
  return Math.max(0, Math.min(toMs ?? nowMs, nowMs) - Math.max(fromMs, sinceMs));
}

/** Bins in which something else was to blame belong to nobody: they say nothing of a version, neither good nor bad. */
export function withoutConfounded(table: BinTable, confounders: readonly Confounder[]): BinTable {
  if (confounders.length === 0) return table;
  const { bins, firstBin, binMs, tasks } = table;
  const group = Int8Array.from(table.group);
  const owner = table.owner && Int8Array.from(table.owner);
  for (const { fromMs, toMs, indices } of confounders) {
    const from = Math.max(0, Math.floor(fromMs / binMs) - firstBin);
    const to = toMs === undefined ? bins : Math.min(bins, Math.ceil(toMs / binMs) - firstBin);
    for (const [row, index] of tasks.entries()) {
      if (indices && !indices.includes(index)) continue;
      for (let at = row * bins + from; at < row * bins + to; at += 1) {
        group[at] = nobody;
        if (owner) owner[at] = nobody;
      }
    }
  }
  return { ...table, group, ...(owner && { owner }) };
}

/** Whether any of them touches the time in which a metric would be found missing. */
export function touches(confounders: readonly Confounder[], fromMs: number, toMs: number): boolean {
  return confounders.some((one) => one.fromMs < toMs && (one.toMs ?? Number.POSITIVE_INFINITY) > fromMs);
}

/** ` Left out: 40 s in which payments-provider was in trouble.` Empty: there was nothing. */
export function explainConfounders(confounders: readonly Confounder[], sinceMs: number, nowMs: number): string {
  const spent = timeOf(confounders, sinceMs, nowMs);
  if (spent.size === 0) return '';
  const parts = [...spent].map(([what, ms]) => `${formatDuration(ms)} in which ${what} was in trouble`);
  return ` Left out: ${parts.slice(0, 3).join(', ')}${parts.length > 3 ? ` and ${parts.length - 3} more` : ''}.`;
}
