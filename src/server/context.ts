import type { OutputOf, ParsedOf, RouteName, Routes } from '../api/index.ts';
import type { ArtifactStore } from '../artifact/index.ts';
import type { CommitGraphs } from '../blame/index.ts';
import type { DriverBook } from '../drivers/index.ts';
import type { Engine } from '../engine/index.ts';
import type { FindingBook, SampleStore, VerdictInputs } from '../judge/index.ts';
import type { Chance, Clock } from '../kit/index.ts';
import type { Actor } from '../model/index.ts';
import type { GitReader } from '../pipeline/index.ts';
import type { StrategyBook } from '../rollout/index.ts';
import type { Store } from '../store/index.ts';
import type { Mirrors } from './adapters/git-reader.ts';
import type { Auth, Identity } from './auth/auth.ts';
import type { DriverFinding } from './drivers/runner.ts';
import type { Log } from './log.ts';
import type { Disk } from './machine/disk.ts';
import type { Plugin } from './plugins/load.ts';
import type { ServerSettings } from './settings.ts';

/** What a handler may use; made once by the composition root. */
export interface ServerContext {
  readonly settings: ServerSettings;
  readonly store: Store;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly auth: Auth;
  readonly log: Log;
  readonly artifacts: ArtifactStore;
  readonly disk: Disk;
  readonly samples: SampleStore;
  /** What verdicts were made from. */
  readonly verdictInputs: VerdictInputs;
  /** What is wrong with metrics now. */
  readonly sourceFindings: FindingBook;
  readonly mirrors: Mirrors;
  readonly git: GitReader;
  /** Commit graphs by repository: a cache that blame and pipelines share. */
  readonly graphs: CommitGraphs;
  readonly plugins: readonly Plugin[];
  /** Rollway's own, and those of plug-ins. */
  readonly strategies: StrategyBook;
  /** Those of plug-ins. */
  readonly driverBook: DriverBook;
  /** Which of them are in trouble now. */
  readonly driverFindings: () => readonly DriverFinding[];
}

/** One request, authorised. */
export interface Call {
  readonly identity: Identity;
  readonly actor: Actor;
  readonly requestId: string;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  /** `If-Match`, unquoted. */
  readonly ifMatch: string | undefined;
  /** Headers to add to the answer. */
  readonly answer: Headers;
  /** `http://127.0.0.1:7070`, as the caller reached us. */
  readonly origin: string;
}

/** Answers one route: the validated request in, the body out. What cannot be answered is thrown as a problem. */
export type Handler<K extends RouteName> = (input: ParsedOf<Routes[K]>, call: Call) => Promise<OutputOf<Routes[K]>>;

/** Routes that `http.ts` answers itself. */
type Special = 'live' | 'signIn';
export type Handlers = { readonly [K in Exclude<RouteName, Special>]: Handler<K> };
