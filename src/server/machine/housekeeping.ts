import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { packagesToKeep } from '../../artifact/index.ts';
import { forgetOldMaintenances } from '../../fleet/work.ts';
import { tidyMirror } from '../../io/index.ts';
import { forgetOldLooks } from '../../judge/work.ts';
import {
  readCommitsOfNewestReleases,
  readPackagesUnderWay,
  readReleasedPackages,
  readRepositories,
  readRunsOfNewestReleases,
} from '../../pipeline/read.ts';
import { forgetCachedBuilds } from '../../pipeline/work.ts';
import { readVersionsInUse } from '../../rollout/read.ts';
import { forgetOldOperations } from '../../rollout/work.ts';
import type { Tx } from '../../store/index.ts';
import type { House } from '../compose.ts';
import * as rows from '../rows.ts';

const everyMs = 10 * 60_000;
/** Of so many rollouts what verdicts were made from is kept. */
const rolloutsReplayed = 100;
const keepAnswersMs = 24 * 3_600_000;
const keepActionLogsMs = 30 * 24 * 3_600_000;
const keepUploadsMs = 30 * 24 * 3_600_000;
/** A log that grew a moment ago is of a run that has only just been stored. */
const writtenNowMs = 3_600_000;

/** What keeps the installation small; runs until aborted. */
export async function keepHouse(house: House, signal: AbortSignal): Promise<void> {
  const collecting = new Set<Promise<void>>();
  await Promise.all([
    repeat(house, signal, house.settings.binMs, 'closing bins', () => house.samples.tend(house.clock.nowMs())),
    repeat(house, signal, house.settings.binMs, 'collecting metrics', async () => {
      const one = collectNow(house, signal).finally(() => collecting.delete(one));
      collecting.add(one);
    }),
    repeat(house, signal, everyMs, 'housekeeping', () => tidy(house, signal)),
  ]);
  await Promise.all(collecting);
}

/** The bin that just ended; one that takes longer than a bin does not hold up the next. */
async function collectNow({ sources, clock, settings, log }: House, signal: AbortSignal): Promise<void> {
  const edgeMs = Math.floor(clock.nowMs() / settings.binMs) * settings.binMs;
  await sources.collect(edgeMs, signal).catch((error: unknown) => log.error('collecting metrics failed', error));
}

/** Deletes what nobody will ask for again. */
export async function tidy(
  house: Pick<House, 'store' | 'clock' | 'artifacts' | 'agents' | 'mirrors' | 'settings' | 'log'> &
    Partial<Pick<House, 'verdictInputs' | 'unpacked'>>,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, artifacts, agents, settings, log, verdictInputs, unpacked } = house;
  await store.transaction((tx) => rows.deleteExpired(tx, clock.nowMs(), keepAnswersMs));
  const keep = await store.transaction(async (tx) => {
    const kept = await loadPackagesToKeep(tx, settings.keepReleases);
    await forgetCachedBuilds(tx, kept);
    return kept;
  });
  await store.transaction((tx) => forgetOldLooks(tx, clock.nowMs(), settings.keepReleases));
  const operations = await store.transaction((tx) => forgetOldOperations(tx, clock.nowMs()));
  await store.transaction((tx) => forgetOldMaintenances(tx, clock.nowMs()));
  if (operations > 0) log.info('ended operations deleted', { operations });
  await tidyMirrors(house, signal);
  await verdictInputs?.forgetAllBut(rolloutsReplayed);
  await unpacked?.forgetAllBut(keep);
  const deleted = await artifacts.deleteUnreferenced(keep);
  if (deleted.packages + deleted.chunks > 0) log.info('packages deleted', { ...deleted });
  for (const [host, count] of await agents.forgetPackages(keep, signal)) log.info('packages given up', { host, count });
  const runs = await store.read((tx) => readRunsOfNewestReleases(tx, settings.keepReleases));
  await deleteLogs(join(settings.dataFolder, 'action-logs'), new Set(runs.map((run) => `${run}.log`)), clock.nowMs());
}

/** Commits that people uploaded go with the releases they were for, at the earliest after thirty days. */
async function tidyMirrors(
  { store, clock, mirrors, settings, log }: Pick<House, 'store' | 'clock' | 'mirrors' | 'settings' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const keep = await store.read((tx) => readCommitsOfNewestReleases(tx, settings.keepReleases));
  const olderThanMs = clock.nowMs() - keepUploadsMs;
  for (const { name, location } of await store.read(readRepositories)) {
    const folder = mirrors.folderOf(location);
    if (!existsSync(folder)) continue;
    const uploads = await tidyMirror(folder, { keep, olderThanMs, signal });
    if (uploads > 0) log.info('uploaded commits forgotten', { repository: name, uploads });
  }
}

/** Logs go with the releases they are of, at the latest after thirty days. */
async function deleteLogs(folder: string, keep: ReadonlySet<string>, nowMs: number): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const path = join(folder, name);
    const ageMs = nowMs - (await stat(path)).mtimeMs;
    if (ageMs > (keep.has(name) ? keepActionLogsMs : writtenNowMs)) await rm(path, { force: true });
  }
}

/** Packages of the last releases, and whatever is assigned, good or still being made. */
async function loadPackagesToKeep(tx: Tx, releases: number): Promise<ReadonlySet<string>> {
  const released = await readReleasedPackages(tx);
  const inUse = new Set<string>(await readVersionsInUse(tx));
  const used = released.filter(({ id }) => inUse.has(id)).map((version) => version.package);
  return packagesToKeep(released, [...used, ...(await readPackagesUnderWay(tx))], releases);
}

async function repeat(
  { clock, log }: Pick<House, 'clock' | 'log'>,
  signal: AbortSignal,
  periodMs: number,
  what: string,
  act: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    // On the grid, so that bins close right after their end.
    const nextMs = (Math.floor(clock.nowMs() / periodMs) + 1) * periodMs;
    await clock.sleepUntil(nextMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    await act().catch((error: unknown) => log.error(`${what} failed`, error));
  }
}
