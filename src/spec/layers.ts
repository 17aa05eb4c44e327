import type {
  Barrier,
  CheckSpec,
  DriverSpec,
  GroupBudget,
  JudgeSpec,
  MaintenanceAnswer,
  OnFail,
  Rate,
  ServiceSpec,
  StrategySpec,
  TaskControlSpec,
  TaskSpec,
} from '../model/index.ts';
import type * as config from './config.ts';
import type { Amount } from './shorthand.ts';

/** Everything that has a default or can be said, one flat value each, in canonical units. */
export interface Settings {
  kind: 'server' | 'worker';
  name: string;
  command: string[];
  ports: string[];
  ready: ReadySetting;
  readyWithinMs: number;
  metrics: { readonly path: string; readonly port: string | undefined } | null;
  stopSignal: TaskSpec['stop']['signal'];
  stopGraceMs: number;
  drainMs: number;
  dataDir: boolean;
  cpuMillis: number;
  memoryMb: number;
  singleton: boolean;
  buildCommands: string[][];
  buildInclude: string[];
  buildExclude: string[];
  buildTimeoutMs: number;
  testCommands: string[][];
  testTimeoutMs: number;
  tasks: number;
  budget: Amount;
  budgetPerDomain: Readonly<Record<string, Amount>>;
  budgetPerGroup: GroupBudget | null;
  rate: Rate | null;
  ratePerDomain: Readonly<Record<string, Rate>>;
  taskControl: TaskControlSetting | null;
  onMaintenance: MaintenanceAnswer;
  driver: DriverSpec;
  phases: PhaseSetting[];
  minBakeMs: number;
  maxBakeMs: number;
  concurrency: Amount;
  onFail: OnFail;
  onUndecided: 'proceed' | 'hold' | null;
  newcomers: 'last-good' | 'new';
  overlap: 'wait' | 'supersede';
  watchMs: number;
  forwardOnly: boolean;
  strategy: StrategySpec;
  picker: 'newest' | 'oldest' | 'every' | 'named';
  windows: readonly config.WindowConfig[];
  soakMs: number;
  after: string | null;
  waves: readonly (readonly string[])[] | null;
  barrier: Barrier;
  failShare: number;
  neighbours: NonNullable<JudgeSpec['neighbours']>;
  confounders: NonNullable<JudgeSpec['confounders']>;
  alpha: number;
  binMs: number;
  warmupMs: number;
  calibrate: 'auto' | 'off';
  placebo: NonNullable<JudgeSpec['placebo']>;
  trigger: ServiceSpec['pipeline']['trigger'];
  branch: string;
  actions: readonly config.ActionConfig[] | null;
}

export type ReadySetting =
  | { readonly http: { readonly path: string; readonly port: string | undefined } }
  | { readonly tcp: { readonly port: string | undefined } }
  | { readonly log: { readonly contains: string } }
  | { readonly running: { readonly afterMs: number } };

/** A TaskController as its owner named it; a port that is not named is the first one. */
export type TaskControlSetting =
  | Extract<TaskControlSpec, { kind: 'http' }>
  | Unported<'leader-last'>
  | Unported<'shard-aware'>
  | Extract<TaskControlSpec, { kind: 'load-metric' }>
  | Unported<'load-aware'>;
type Unported<K extends TaskControlSpec['kind']> = Omit<Extract<TaskControlSpec, { kind: K }>, 'port'> & {
  readonly port: string | undefined;
};

/** One phase as its owner put it; what it leaves out comes from the settings of the rollout. */
export interface PhaseSetting {
  readonly name: string | undefined;
  readonly select: config.Select;
  readonly concurrency?: Amount | undefined;
  readonly minBakeMs?: number | undefined;
  readonly maxBakeMs?: number | undefined;
  readonly onFail?: OnFail | undefined;
  readonly onUndecided?: 'proceed' | 'hold' | undefined;
}

/** The parts of a check, each with a default of its own. `off` leaves the check out. */
export interface CheckSettings extends Omit<CheckSpec, 'name'> {
  off: boolean;
}

/** Values from one source. Entries of the three records are layered one by one. */
export interface Layer {
  readonly name: string;
  readonly values: Partial<Settings>;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly secretFiles?: Readonly<Record<string, string>> | undefined;
  readonly hosts?: Readonly<Record<string, string>> | undefined;
  readonly checks?: Readonly<Record<string, Partial<CheckSettings>>> | undefined;
}

/** A value and the layer that set it. */
export interface Leaf<T> {
  readonly value: T;
  readonly layer: string;
}

export interface Resolved {
  readonly values: { readonly [K in keyof Settings]: Leaf<Settings[K]> };
  readonly env: Readonly<Record<string, Leaf<string>>>;
  readonly secretFiles: Readonly<Record<string, Leaf<string>>>;
  readonly hosts: Readonly<Record<string, Leaf<string>>>;
  readonly checks: Readonly<Record<string, { readonly [K in keyof CheckSettings]?: Leaf<CheckSettings[K]> }>>;
}

/**
 * Lays the layers over each other: the later one wins, value by value; taking a layer away gives back what was below.
 * The first layer must have a value for everything that no later one is sure to have.
 */
export function resolveLayers(layers: readonly Layer[]): Resolved {
  const checks: Record<string, Record<string, Leaf<unknown>>> = {};
  for (const layer of layers) {
    for (const [check, parts] of Object.entries(layer.checks ?? {})) {
      checks[check] = { ...checks[check], ...leavesOf(parts, layer.name) };
    }
  }
  const merged = <K extends 'values' | 'env' | 'secretFiles' | 'hosts'>(part: K) =>
    Object.assign({}, ...layers.map((layer) => leavesOf(layer[part] ?? {}, layer.name)));
  return {
    values: merged('values'),
    env: merged('env'),
    secretFiles: merged('secretFiles'),
    hosts: merged('hosts'),
    checks: checks as Resolved['checks'],
  };
}

function leavesOf(values: object, layer: string): Record<string, Leaf<unknown>> {
  const set = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set.map(([key, value]) => [key, { value, layer }]));
}
