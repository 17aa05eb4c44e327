import type {
  HostId,
  Incarnation,
  JobId,
  OperationId,
  TaskIndex,
  TaskReport,
  Version,
  VersionId,
} from '../model/index.ts';
import type { CancelAnswer, ClusterDriver, ExecuteRequest, Observation } from './port.ts';

/** A running cluster behind a driver, and what the rules need to do to it. */
export interface Cluster {
  readonly driver: ClusterDriver;
  /** The last one is the one that is cut off. */
  readonly hosts: readonly [HostId, ...HostId[]];
  /** Versions of one service: two that serve, one that never becomes ready within its (short) deadline. */
  readonly versions: { readonly good: Version; readonly other: Version; readonly neverReady: Version };
  /** Waits, or lets virtual time pass, until the condition holds; throws, naming it, when it does not. */
  until(condition: () => boolean | Promise<boolean>, what: string): Promise<void>;
  /** Lets some time pass in which things could happen that must not. */
  settle(): Promise<void>;
  /** The truth: incarnations of an index that have a process right now, on any host. */
  running(job: JobId, index: TaskIndex): Promise<readonly Incarnation[]>;
  /** The truth: which version each of these processes is of; left out: it is not looked at. */
  runs?(job: JobId, index: TaskIndex): Promise<readonly VersionId[]>;
  /** Cuts a host's contact while its tasks go on; `heal` ends that. Left out: rules about silence are not tried. */
  readonly partition?: ((host: HostId) => Promise<void>) | undefined;
  readonly heal?: ((host: HostId) => Promise<void>) | undefined;
  /** The server is killed and starts again, with nothing but what the driver wrote down. Left out: not tried. */
  readonly restart?: (() => Promise<void>) | undefined;
  close(): Promise<void>;
}

/** What a rule finds wrong, in a sentence. */
export class RuleBroken extends Error {}

export function insist(isSo: boolean, sentence: string): asserts isSo {
  if (!isSo) throw new RuleBroken(sentence);
}

const never = new AbortController().signal;

/** A cluster that rules are tried on, with everything that was seen of it. */
export class Rehearsal {
  readonly job: JobId = 'conform@test';
  readonly cluster: Cluster;
  readonly seen: Observation[] = [];
  readonly #observing = new AbortController();
  #observer: Promise<void> = Promise.resolve();
  #failure: unknown;
  #nextIndex = 0;
  #nextId = 0;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  open(): void {
    const { driver } = this.cluster;
    const deliver = async (observation: Observation): Promise<void> => void this.seen.push(observation);
    this.#observer = driver.observe(deliver, this.#observing.signal).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  async close(): Promise<void> {
    this.#observing.abort();
    await this.#observer;
    await this.cluster.close();
  }

  newIndex(): TaskIndex {
    return this.#nextIndex++;
  }

  /** A start of the good version on the first host, unless said otherwise. */
  request(index: TaskIndex, over: Partial<ExecuteRequest> = {}): ExecuteRequest {
    const id: OperationId = `op_conform${String(++this.#nextId).padStart(4, '0')}`;
    return {
      ...{ id, job: this.job, index, kind: 'start', incarnation: 0, nextIncarnation: 1 },
      ...{
        host: this.cluster.hosts[0],
        version: this.cluster.versions.good,
        env: {},
        epoch: 1,
        precondition: undefined,
      },
      ...over,
    };
  }

  next(before: ExecuteRequest, over: Partial<ExecuteRequest> = {}): ExecuteRequest {
    return this.request(before.index, {
      kind: 'update',
      host: before.host,
      incarnation: before.nextIncarnation,
      nextIncarnation: before.nextIncarnation + 1,
      version: this.cluster.versions.other,
      epoch: before.epoch + 1,
      ...over,
    });
  }

  stop(before: ExecuteRequest): ExecuteRequest {
    return this.next(before, { kind: 'stop', nextIncarnation: before.nextIncarnation, version: undefined });
  }

  execute(wanted: ExecuteRequest): Promise<void> {
    return this.cluster.driver.execute(wanted, never);
  }

  async cancel(wanted: ExecuteRequest): Promise<CancelAnswer> {
    return this.cluster.driver.cancel(wanted.id, { host: wanted.host, job: this.job, index: wanted.index }, never);
  }

  reportsOf(index: TaskIndex, from: readonly Observation[] = this.seen): TaskReport[] {
    const all = from.flatMap((one) => (one.kind === 'heartbeat' ? [] : one.tasks));
    return all.filter((task) => task.job === this.job && task.index === index);
  }

  endsOf(wanted: ExecuteRequest): TaskReport[] {
    return this.reportsOf(wanted.index).filter((report) => report.operation?.id === wanted.id);
  }

  async until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    try {
      await this.cluster.until(() => {
        if (this.#failure !== undefined) throw new RuleBroken(`its observations ended: ${String(this.#failure)}`);
        return condition();
      }, what);
    } catch (error) {
      throw error instanceof RuleBroken
        ? error
        : new RuleBroken(error instanceof Error ? error.message : String(error));
    }
  }

  async endOf(wanted: ExecuteRequest): Promise<TaskReport> {
    await this.until(() => this.endsOf(wanted).length > 0, `the ${wanted.kind} ${wanted.id} is never said to end`);
    return this.endsOf(wanted)[0] as TaskReport;
  }

  async outcomeOf(wanted: ExecuteRequest): Promise<string> {
    return (await this.endOf(wanted)).operation!.outcome;
  }

  /** Executes it, and insists that it is done and serves. */
  async served(wanted: ExecuteRequest): Promise<ExecuteRequest> {
    await this.execute(wanted);
    const { state, operation, incarnation, version } = await this.endOf(wanted);
    insist(operation?.outcome === 'done', `a ${wanted.kind} that can be done is said to be ${operation?.outcome}`);
    insist(state === 'serving', `a ${wanted.kind} is said to be done while its task is ${state}`);
    insist(incarnation === wanted.nextIncarnation, `incarnation ${wanted.nextIncarnation} is called ${incarnation}`);
    insist(version === wanted.version?.id, `version ${wanted.version?.id} is called ${version}`);
    return wanted;
  }

  started(over: Partial<ExecuteRequest> = {}): Promise<ExecuteRequest> {
    return this.served(this.request(this.newIndex(), over));
  }

  /** Insists on what runs in truth: these incarnations and no others, each of the version that was wanted. */
  async runsOnly(index: TaskIndex, incarnations: readonly Incarnation[], version?: VersionId): Promise<void> {
    const found = await this.cluster.running(this.job, index);
    insist(
      found.length === incarnations.length && found.every((one, at) => one === incarnations[at]),
      `of task ${index} the incarnations ${list(found)} run, and ${list(incarnations)} should`,
    );
    const versions = version === undefined ? undefined : await this.cluster.runs?.(this.job, index);
    const foreign = versions?.find((one) => one !== version);
    insist(foreign === undefined, `task ${index} runs ${foreign}, and ${version} was wanted`);
  }
}

function list(incarnations: readonly Incarnation[]): string {
  return incarnations.length === 0 ? 'none' : incarnations.join(', ');
}
