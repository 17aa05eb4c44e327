import {
  type DriverId,
  type HostCapacity,
  type JobId,
  type PluginSettings,
  partsOfDriver,
  type TaskReport,
  type TaskSpec,
  type VersionId,
} from '../model/index.ts';
import type { Launch, LaunchPlace } from './launch.ts';
import type { CancelAnswer, ExecuteRequest, Observation } from './port.ts';

/**
 * A driver of a user's own: it runs the tasks of jobs that name it, by whatever means, where Rollway has no agents. Its
 * module exports `drivers`, a list of these. Each job gets an instance of its own (`open`), with the settings of its
 * configuration, hosts that nobody else has, and a folder for what it must remember.
 */
export interface DriverPlugin {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string;
  /** What it can do besides starting, stopping and updating a task where it is. Left out: all of it. */
  readonly capabilities?: {
    /** Extra tasks for a while. */
    readonly surge?: boolean;
    /** An index on two of its hosts for a while: a task that moves starts there before it stops here. */
    readonly move?: boolean;
  };
  /** How long it may at most say nothing of a host that is well; left out: a second, at most a minute. */
  readonly heartbeatMs?: number;
  /** What is wrong with these settings, in a sentence; undefined: nothing. Pure. */
  check?(settings: PluginSettings): string | undefined;
  /** Opened when a job names it and after each start of the server. It may reject: that is tried again. */
  open(context: DriverContext): Promise<OpenDriver> | OpenDriver;
  /** How `rollway plugin test` tries it; left out: with no settings, and services that run on this machine. */
  readonly trial?: DriverTrial;
}

/** What an instance is given. */
export interface DriverContext {
  readonly job: JobId;
  readonly settings: PluginSettings;
  /** Its own, and still there after a restart of the server. */
  readonly folder: string;
  /** A secret by the name of its file, as settings may say it; never put one into the settings. */
  readSecret(name: string): Promise<string>;
  /** A folder with a version's package, unpacked and shared: not to be written to. */
  packageFolder(digest: string, signal: AbortSignal): Promise<string>;
  /** The command and the environment of one task, as agents make them. */
  launchOf(request: ExecuteRequest, place: LaunchPlace): Launch;
  /**
   * All that a driver has to remember, kept in `folder`: operation ids and tombstones, epochs and incarnations, which
   * operation of a task is next, and what was not told yet. What is left is `steps`: how one operation is done.
   */
  openTaskBook(steps: TaskSteps): OpenDriver;
  /** A port that nobody has right now. */
  freePort(address: string): Promise<number>;
  /** Asks a task once whether it is ready (HTTP or TCP); undefined: its service is asked in another way. */
  probe(
    task: TaskSpec,
    place: Pick<LaunchPlace, 'address' | 'ports'>,
    signal: AbortSignal,
  ): Promise<boolean | undefined>;
  /** A line for the server's log: no secrets. */
  log(line: string): void;
}

/** How the operations of one host's tasks are done. */
export interface TaskSteps {
  readonly host: DriverHost;
  /**
   * One operation that is not refused, to its end. Rejecting, or the end of the server in the middle, means that it is
   * called again: each step looks at what is done already. Operations of one task come one after another.
   */
  run(request: ExecuteRequest, task: TaskInHand, signal: AbortSignal): Promise<TaskEnd>;
  /** A look at a task that serves, several times a second: how it is now, when it is not as it was reported. */
  look?(report: TaskReport): TaskChange | undefined;
}

/** A task whose operation is being done. */
export interface TaskInHand {
  /** The newest that was reported of it. */
  readonly report: TaskReport;
  /** It is so now: on disk first, then told. */
  tell(change: TaskChange): void;
  /** Whether the incarnation that the operation makes has been told of: then an earlier call got so far. */
  readonly isBegun: boolean;
}

export type TaskChange = Partial<Pick<TaskReport, 'incarnation' | 'life' | 'version' | 'state' | 'ports' | 'failure'>>;

/** How an operation ended, and how its task is with that. */
export interface TaskEnd extends TaskChange {
  readonly outcome: 'done' | 'failed';
  readonly reason?: string;
}

/** A place where tasks run. A driver that chooses machines itself names one place for all of them. */
export interface DriverHost {
  /** Lower-case letters, digits and hyphens; Rollway calls it `<name>.<driver>.<job>`. */
  readonly name: string;
  /** Where its tasks answer. */
  readonly address: string;
  /** `region`, `rack` and the like; left out: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Left out: as much as anybody wants. */
  readonly capacity?: HostCapacity;
}

/**
 * What `observe` delivers. `hosts` comes first: all there are. Then of each a snapshot, then deltas, each with a higher
 * revision. A snapshot says all that a host has, and again how operations ended whose end was not delivered. In all of
 * these hosts are called by their own short names.
 */
export type DriverObservation =
  | { readonly kind: 'hosts'; readonly hosts: readonly DriverHost[] }
  | Exclude<Observation, { kind: 'heartbeat' }>
  /** These are well; silence is unknown, never gone. */
  | { readonly kind: 'heartbeat'; readonly hosts: readonly string[] };

/** An instance at work; the words are those of `ClusterDriver`. */
export interface OpenDriver {
  /** Delivers until aborted, and waits for each delivery: then it is written down. Rejecting means: try again. */
  observe(deliver: (observation: DriverObservation) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Resolves when it is written down that this is to be done, and remembered for good. */
  execute(request: ExecuteRequest, signal: AbortSignal): Promise<void>;
  cancel(id: ExecuteRequest['id'], at: CancelPlace, signal: AbortSignal): Promise<CancelAnswer>;
  /** A version will be wanted soon on this host. Best effort. */
  prefetch?(host: string, version: VersionId, packageDigest: string): Promise<void>;
  /** The server stops: tasks go on. */
  close?(): Promise<void>;
}

export interface CancelPlace {
  readonly host: string | undefined;
  readonly job: JobId;
  readonly index: number;
}

/** What the suite needs to know to try a driver. */
export interface DriverTrial {
  readonly settings?: PluginSettings;
  /** Cuts a host off while its tasks go on, and joins it again; left out: rules about silence are not tried. */
  partition?(host: string): Promise<void>;
  heal?(host: string): Promise<void>;
  /** Ends what is left when the trials are over. */
  cleanUp?(folder: string): Promise<void>;
}

/** Every driver that the server was started with, by name. */
export type DriverBook = ReadonlyMap<string, DriverPlugin>;

export const noDrivers: DriverBook = new Map();

/** Why a job cannot be run by its driver; undefined: it can. Pure. */
export function refuseDriver(
  book: DriverBook,
  driver: DriverId,
  settings: PluginSettings = {},
  wants: { readonly surge?: boolean; readonly move?: boolean } = {},
): string | undefined {
  const plugin = partsOfDriver(driver)?.plugin;
  if (plugin === undefined) return undefined;
  const found = book.get(plugin);
  if (found === undefined) {
    return `This server has no driver ${plugin}: start it with that plug-in and resume, or deploy a configuration without it.`;
  }
  if (wants.surge && found.capabilities?.surge === false) {
    return `The driver ${plugin} cannot run extra tasks: deploy a plan with another strategy.`;
  }
  if (wants.move && found.capabilities?.move === false) {
    return `The driver ${plugin} cannot move tasks: what should be elsewhere has to be stopped first.`;
  }
  const wrong = sentenceOf(found, settings);
  return wrong === undefined ? undefined : `The driver ${plugin} does not take its settings: ${wrong}.`;
}

function sentenceOf(plugin: DriverPlugin, settings: PluginSettings): string | undefined {
  try {
    const said: unknown = plugin.check?.(settings);
    return said === undefined ? undefined : String(said).replace(/\.$/, '').slice(0, 500);
  } catch (error) {
    return `checking them failed (${String(error).slice(0, 300)})`;
  }
}
