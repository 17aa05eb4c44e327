import type { ClusterDriver, DriverBook } from '../../drivers/index.ts';
import { refuseDriver } from '../../drivers/index.ts';
import type { Engine } from '../../engine/index.ts';
import { listDrivers, type StoredDriver } from '../../fleet/read.ts';
import { forgetDriver } from '../../fleet/work.ts';
import type { Chance, Clock } from '../../kit/index.ts';
import { type DriverId, type JobId, ProblemError, partsOfDriver, problem, rollway } from '../../model/index.ts';
import type { Store } from '../../store/index.ts';
import type { AgentServer } from '../agents/index.ts';
import type { Log } from '../log.ts';
import { openDriverContext, type UnpackedPackages } from './context.ts';
import { DriverInstance, type DriverTimes, type DriverTrouble, usualDriverTimes } from './instance.ts';
import { openIntake } from './intake.ts';

export interface RunnerParts {
  readonly store: Store;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly dataFolder: string;
  readonly packages: UnpackedPackages;
  readonly agents: Pick<AgentServer, 'markHeard' | 'isAbsent' | 'welcome'>;
  readonly book: DriverBook;
  readonly times?: DriverTimes;
}

/** A driver that is in trouble, for findings and explanations. */
export interface DriverFinding extends DriverTrouble {
  readonly driver: DriverId;
  readonly plugin: string;
  readonly job: JobId;
}

const everyMs = 1000;

/** Runs one instance of each driver that some job names, as long as the server runs. */
export class DriverRunner {
  readonly #parts: RunnerParts;
  readonly #instances = new Map<DriverId, { readonly settings: string; readonly instance: DriverInstance }>();
  /** Those that cannot be opened at all, and why. */
  readonly #refused = new Map<DriverId, DriverTrouble>();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** What executes on its hosts. Not there: whoever asks is told to try again. */
  driverOf(id: DriverId): ClusterDriver {
    const found = this.#instances.get(id)?.instance.cluster;
    if (found !== undefined) return found;
    const why = this.#refused.get(id)?.sentence ?? 'it begins.';
    throw new ProblemError(problem('driver/unavailable', `The driver ${id} is not open: ${why}`, { driver: id }));
  }

  findings(): DriverFinding[] {
    const open = [...this.#instances].flatMap(([id, { instance }]) => {
      const trouble = instance.trouble();
      return trouble === undefined ? [] : [findingOf(id, trouble)];
    });
    return [...open, ...[...this.#refused].map(([id, trouble]) => findingOf(id, trouble))];
  }

  /** Looks each second at which there are to be; ends with all of them closed. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      await this.#look(signal).catch((error: unknown) => log.error('drivers could not be looked after', error));
      await clock.sleepUntil(clock.nowMs() + everyMs, signal).catch(() => undefined);
    }
    await Promise.all([...this.#instances.keys()].map((id) => this.#stop(id)));
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { store, engine } = this.#parts;
    const wanted = await store.read(listDrivers);
    for (const id of [...this.#instances.keys(), ...this.#refused.keys()]) {
      if (wanted.some((one) => one.id === id)) continue;
      this.#refused.delete(id);
      await this.#stop(id);
    }
    for (const one of wanted) {
      if (signal.aborted) return;
      if (one.isRetired && (await engine.commitAs(rollway('fleet'), forgetDriver(one.id)))) continue;
      await this.#keep(one);
    }
  }

  async #keep({ id, settings }: StoredDriver): Promise<void> {
    const { book, clock } = this.#parts;
    const text = JSON.stringify(settings);
    const known = this.#instances.get(id);
    if (known?.settings === text) return;
    if (known !== undefined) await this.#stop(id);
    const refusal = refuseDriver(book, id, settings);
    const plugin = book.get(partsOfDriver(id)?.plugin ?? '');
    if (refusal !== undefined || plugin === undefined) {
      const sinceMs = this.#refused.get(id)?.sinceMs ?? clock.nowMs();
      this.#refused.set(id, { sinceMs, sentence: refusal ?? 'There is no such driver.' });
      return;
    }
    this.#refused.delete(id);
    const { dataFolder, packages, log, chance, agents, engine, times = usualDriverTimes } = this.#parts;
    const context = await openDriverContext(id, settings, {
      dataFolder,
      packages,
      log: (line) => log.info('a driver says', { driver: id, line: String(line).slice(0, 1000) }),
    });
    const instance = new DriverInstance({
      ...{ id, plugin, context, clock, chance, log, times },
      openIntake: () => openIntake(id, this.#parts),
      markHeard: (host) => agents.markHeard(host),
      async onAnswer(hosts) {
        for (const host of hosts) await engine.hasten(`agent/${host}`);
      },
    });
    this.#instances.set(id, { settings: text, instance });
  }

  async #stop(id: DriverId): Promise<void> {
    const found = this.#instances.get(id);
    this.#instances.delete(id);
    await found?.instance.stop();
  }
}

function findingOf(driver: DriverId, trouble: DriverTrouble): DriverFinding {
  const { plugin, job } = partsOfDriver(driver)!;
  return { driver, plugin, job, ...trouble };
}
