import { join } from 'node:path';
import { openArtifactStore } from '../artifact/index.ts';
import { createEngine } from '../engine/index.ts';
import { openBlobFiles, openSampleFiles, openVerdictFiles, realChance, realClock } from '../io/index.ts';
import { FindingBook, openSampleStore } from '../judge/index.ts';
import { makeId, sha256 } from '../kit/index.ts';
import { ProblemError } from '../model/index.ts';
import { openStore } from '../store/index.ts';
import { gitReader, openMirrors } from './adapters/git-reader.ts';
import { type AgentServer, createAgentServer } from './agents/index.ts';
import { registerAreas } from './areas.ts';
import { createAuth } from './auth/auth.ts';
import type { ServerContext } from './context.ts';
import { UnpackedPackages } from './drivers/context.ts';
import { DriverRunner } from './drivers/runner.ts';
import type { Log } from './log.ts';
import { watchDisk, withRoom } from './machine/disk.ts';
import { loadPlugins } from './plugins/load.ts';
import type { ServerSettings } from './settings.ts';
import { openSources, type Sources } from './sources/collect.ts';

/** The server's parts, opened and wired; nothing listens and nothing runs yet. */
export interface House extends ServerContext {
  readonly sources: Sources;
  readonly agents: AgentServer;
  readonly drivers: DriverRunner;
  readonly unpacked: UnpackedPackages;
  /** Closes what was opened, in the opposite order. */
  close(): Promise<void>;
}

/** The composition root: the only place that opens adapters and registers what areas do. */
export async function compose(settings: ServerSettings, log: Log): Promise<House> {
  const clock = realClock;
  const chance = realChance;
  const { dataFolder, binMs, heartbeatMs, version, keepSamplesMs } = settings;
  // First of all: one that cannot be used leaves nothing behind.
  const plugins = await loadPlugins(settings.plugins);
  const store = await openStore(settings.store);
  const engine = createEngine({
    store,
    clock,
    chance,
    processId: makeId('srv', clock.nowMs(), chance),
    settings: { programVersion: version, isSoleProcess: store.kind === 'sqlite' },
    // What may happen (a host that is away) is tried again, and is no mistake of the program with a stack.
    onTrouble: ({ what, error, ...facts }) =>
      error instanceof ProblemError ? log.info(what, { ...facts, why: error.message }) : log.error(what, error, facts),
  });
  const artifacts = openArtifactStore(openBlobFiles(join(dataFolder, 'packages')), clock);
  const disk = watchDisk(settings, clock);
  const samples = await openSampleStore({
    settings: { binMs, keepMs: keepSamplesMs },
    journal: await openSampleFiles(join(dataFolder, 'samples')),
    nowMs: clock.nowMs(),
  });
  const sourceFindings = new FindingBook();
  const agents = await createAgentServer({
    ...{ store, engine, clock, chance, log },
    artifactStore: withRoom(artifacts, disk),
    sampleStore: samples,
    sourceFindings,
    dataDir: dataFolder,
    settings: { version, heartbeatMs, binMs },
  });
  const unpacked = new UnpackedPackages(dataFolder, artifacts);
  const drivers = new DriverRunner({
    ...{ store, engine, clock, chance, log, dataFolder, agents },
    packages: unpacked,
    book: plugins.drivers,
  });
  const mirrors = openMirrors(dataFolder);
  const auth = createAuth({
    store,
    clock,
    chance,
    cookieName: cookieNameOf(dataFolder),
    sessionMs: settings.sessionMs,
  });
  const context: ServerContext = {
    settings,
    store,
    engine,
    clock,
    chance,
    log,
    auth,
    artifacts,
    disk,
    samples,
    sourceFindings,
    verdictInputs: await openVerdictFiles(join(dataFolder, 'judge-inputs')),
    mirrors,
    git: gitReader(mirrors),
    graphs: new Map(),
    plugins: plugins.loaded,
    strategies: plugins.strategies,
    driverBook: plugins.drivers,
    driverFindings: () => drivers.findings(),
  };
  registerAreas(context, agents, drivers);
  return {
    ...context,
    sources: openSources(context),
    agents,
    drivers,
    unpacked,
    async close() {
      await samples.close();
      await store.close();
    },
  };
}

/** Browsers do not tell cookies of two ports of one machine apart, so each installation has a name of its own. */
function cookieNameOf(dataFolder: string): string {
  return `rollway_session_${sha256(dataFolder).slice(0, 8)}`;
}
