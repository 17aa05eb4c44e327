import type { ActionSpec, PerfMeasure, PlanSpec, ServiceSpec, WindowSpec } from '../model/index.ts';
import type { NamedJob } from './assemble-jobs.ts';
import { assemblePlan } from './assemble-plan.ts';
import type * as config from './config.ts';
import { deployTimeoutMs, retriesOfMachine, stageOf } from './defaults.ts';
import type { Leaf, Resolved } from './layers.ts';
import type { OriginBook } from './origins.ts';
import { readCommand, readCommands, readDuration, readPercent } from './shorthand.ts';

export interface NamedEnvironment {
  readonly name: string;
  readonly resolved: Resolved;
  /** Undefined: it is one job itself. */
  readonly jobs?: readonly NamedJob[] | undefined;
}

/** The artifact that a build makes unless it is given another name. */
export const packageArtifact = 'package';

/** The actions of a pipeline: those the user lists, or build → test → a deployment to each environment. */
export function assemblePipeline(
  service: Resolved,
  environments: readonly NamedEnvironment[],
  isMeasured: boolean,
  book: OriginBook,
): ServiceSpec['pipeline'] {
  const own = service.values.actions.value;
  const context = { service, environments, isMeasured, book };
  return {
    trigger: book.at('pipeline.trigger', service.values.trigger),
    branch: book.at('pipeline.branch', service.values.branch),
    actions: own === null ? defaultActions(context) : ownActions(own, context),
  };
}

interface Context {
  readonly service: Resolved;
  readonly environments: readonly NamedEnvironment[];
  readonly isMeasured: boolean;
  readonly book: OriginBook;
}

function defaultActions(context: Context): ActionSpec[] {
  const { service, environments, book } = context;
  const { values } = service;
  const actions: ActionSpec[] = [];
  const base = (name: string, needs: string[], inputs: string[]) => {
    const path = `pipeline.actions.${name}`;
    return {
      name: book.derived(`${path}.name`, name),
      needs: book.derived(`${path}.needs`, needs),
      inputs: book.derived(`${path}.inputs`, inputs),
      picker: book.at(`${path}.picker`, values.picker),
      retries: book.at(`${path}.retries`, { value: retriesOfMachine, layer: 'base' }),
    };
  };
  actions.push({
    ...base('build', [], []),
    type: book.derived('pipeline.actions.build.type', 'build' as const),
    timeoutMs: book.at('pipeline.actions.build.timeoutMs', values.buildTimeoutMs),
    commands: book.at('pipeline.actions.build.commands', values.buildCommands),
    include: book.at('pipeline.actions.build.include', values.buildInclude),
    exclude: book.at('pipeline.actions.build.exclude', values.buildExclude),
    output: book.derived('pipeline.actions.build.output', packageArtifact),
  });
  if (values.testCommands.value.length > 0) {
    // What the build installed is there for the tests, unless only a part of the tree is packed.
    const isWhole = values.buildInclude.value.length === 0 && values.buildExclude.value.length === 0;
    actions.push({
      ...base('test', ['build'], isWhole ? [packageArtifact] : []),
      type: book.derived('pipeline.actions.test.type', 'test' as const),
      timeoutMs: book.at('pipeline.actions.test.timeoutMs', values.testTimeoutMs),
      commands: book.at('pipeline.actions.test.commands', values.testCommands),
    });
  }
  const first = actions.at(-1)!.name;
  const lastOf = new Map<string, string>();
  let previous: string | undefined;
  for (const { name, resolved } of inOrder(environments)) {
    const after = resolved.values.after.value ?? previous;
    const deploy = `deploy-${name}`;
    actions.push({
      ...deployAction(deploy, name, [after === undefined ? first : (lastOf.get(after) ?? `deploy-${after}`)], context),
    });
    lastOf.set(name, deploy);
    if (resolved.values.soakMs.value > 0) actions.push(soakAction(name, deploy, resolved, context, lastOf));
    previous = name;
  }
  return actions;
}

function deployAction(action: string, environment: string, needs: string[], context: Context): ActionSpec {
  const { environments, book, isMeasured, service } = context;
  const path = `pipeline.actions.${action}`;
  const values = environments.find(({ name }) => name === environment)?.resolved.values ?? service.values;
  return {
    name: book.derived(`${path}.name`, action),
    type: book.derived(`${path}.type`, 'deploy' as const),
    needs: book.derived(`${path}.needs`, needs),
    inputs: book.derived(`${path}.inputs`, [packageArtifact]),
    picker: book.at(`${path}.picker`, values.picker),
    retries: book.at(`${path}.retries`, { value: 0, layer: 'base' }),
    timeoutMs: book.at(`${path}.timeoutMs`, { value: deployTimeoutMs, layer: 'base' }),
    environment: book.derived(`${path}.environment`, environment),
    plan: assemblePlan(values, isMeasured, `${path}.plan`, book) satisfies PlanSpec,
    ...plansOfJobs(environment, path, context),
    windows: book.at(`${path}.windows`, windowsOf(values.windows)),
  };
}

/** Where an environment has several jobs, each has a plan of its own. */
function plansOfJobs(
  environment: string,
  path: string,
  { environments, book, isMeasured }: Pick<Context, 'environments' | 'book' | 'isMeasured'>,
): { plans?: Record<string, PlanSpec> } {
  const jobs = environments.find(({ name }) => name === environment)?.jobs;
  if (jobs === undefined) return {};
  const plans = jobs.map(({ name, resolved }) => {
    const plan: PlanSpec = assemblePlan(resolved.values, isMeasured, `${path}.plans.${name}`, book);
    return [name, plan] as const;
  });
  return { plans: Object.fromEntries(plans) };
}

function soakAction(
  environment: string,
  deploy: string,
  { values }: Resolved,
  { book }: Context,
  lastOf: Map<string, string>,
): ActionSpec {
  const name = `soak-${environment}`;
  const path = `pipeline.actions.${name}`;
  lastOf.set(environment, name);
  return {
    name: book.derived(`${path}.name`, name),
    type: book.derived(`${path}.type`, 'bake' as const),
    needs: book.derived(`${path}.needs`, [deploy]),
    inputs: book.derived(`${path}.inputs`, []),
    picker: book.at(`${path}.picker`, values.picker),
    retries: book.at(`${path}.retries`, { value: 0, layer: 'base' }),
    timeoutMs: book.at(`${path}.timeoutMs`, { value: deployTimeoutMs, layer: 'base' }),
    forMs: book.at(`${path}.forMs`, values.soakMs),
    environment: book.derived(`${path}.environment`, environment),
  };
}

/** Environments as a change meets them: by stage, then by name; whoever comes `after` another stands behind it. */
function inOrder(environments: readonly NamedEnvironment[]): NamedEnvironment[] {
  const waiting = [...environments].sort(
    (a, b) => stageOf(a.name) - stageOf(b.name) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const sorted: NamedEnvironment[] = [];
  while (waiting.length > 0) {
    const isFree = ({ resolved }: NamedEnvironment) =>
      !waiting.some(({ name }) => name === resolved.values.after.value);
    // Nobody free: a cycle, which the check of the pipeline names.
    const at = Math.max(0, waiting.findIndex(isFree));
    sorted.push(...waiting.splice(at, 1));
  }
  return sorted;
}

function ownActions(own: readonly config.ActionConfig[], context: Context): ActionSpec[] {
  return own.map((said, at) => {
    const { book, service } = context;
    const path = `pipeline.actions.${said.name}`;
    const layer = 'service';
    const or = <T>(value: T | undefined, fallback: T): Leaf<T> =>
      value === undefined ? { value: fallback, layer: 'base' } : { value, layer };
    const previous = own[at - 1];
    const needs = said.needs === undefined ? undefined : [...said.needs];
    const isWork = said.type !== 'deploy' && said.type !== 'bake';
    const timeoutMs = isWork ? service.values.buildTimeoutMs.value : deployTimeoutMs;
    const base = {
      name: book.at(`${path}.name`, { value: said.name, layer }),
      needs: needs
        ? book.at(`${path}.needs`, { value: needs, layer })
        : book.derived(`${path}.needs`, previous === undefined ? [] : [previous.name]),
      inputs: book.at(
        `${path}.inputs`,
        or(
          said.inputs && [...said.inputs],
          said.type === 'deploy' || said.type === 'perf-test' ? [packageArtifact] : [],
        ),
      ),
      picker: book.at(
        `${path}.picker`,
        said.picker === undefined ? pickerOf(said, context) : or(said.picker, 'newest'),
      ),
      retries: book.at(`${path}.retries`, or(said.retries, isWork ? retriesOfMachine : 0)),
      timeoutMs: book.at(
        `${path}.timeoutMs`,
        or(said.timeout === undefined ? undefined : readDuration(said.timeout), timeoutMs),
      ),
    };
    book.at(`${path}.type`, { value: said.type, layer });
    return { ...base, ...restOf(said, path, context, or) } as ActionSpec;
  });
}

function pickerOf(said: config.ActionConfig, { environments, service }: Context): Leaf<ActionSpec['picker']> {
  const environment = 'environment' in said ? environments.find(({ name }) => name === said.environment) : undefined;
  return (environment?.resolved ?? service).values.picker;
}

function restOf(
  said: config.ActionConfig,
  path: string,
  { environments, service, isMeasured, book }: Context,
  or: <T>(value: T | undefined, fallback: T) => Leaf<T>,
): object {
  const layer = 'service';
  const set = <T>(key: string, value: T) => book.at(`${path}.${key}`, { value, layer });
  switch (said.type) {
    case 'build':
      return {
        type: said.type,
        commands: book.at(`${path}.commands`, or(said.commands && readCommands(said.commands), [])),
        include: book.at(`${path}.include`, or(said.include && [...said.include], [])),
        exclude: book.at(`${path}.exclude`, or(said.exclude && [...said.exclude], [])),
        output: book.at(`${path}.output`, or(said.output, packageArtifact)),
      };
    case 'test':
      return { type: said.type, commands: set('commands', readCommands(said.commands)) };
    case 'run':
      return {
        type: said.type,
        commands: set('commands', readCommands(said.commands)),
        safeToRepeat: book.at(`${path}.safeToRepeat`, or(said.safeToRepeat, false)),
        output: book.at(`${path}.output`, or<string | null>(said.output, null)),
      };
    case 'deploy': {
      const values = environments.find(({ name }) => name === said.environment)?.resolved.values ?? service.values;
      return {
        type: said.type,
        environment: set('environment', said.environment),
        plan: assemblePlan(values, isMeasured, `${path}.plan`, book),
        ...plansOfJobs(said.environment, path, { environments, book, isMeasured }),
        windows: book.at(`${path}.windows`, windowsOf(values.windows)),
      };
    }
    case 'bake':
      return {
        type: said.type,
        environment: set('environment', said.environment),
        forMs: set('forMs', readDuration(said.for)),
      };
    case 'perf-test':
      return perfTest(said, path, { environments, book }, or);
  }
}

/** Two builds side by side: what is left out is chosen so that 2 % is found and nothing else. */
function perfTest(
  said: Extract<config.ActionConfig, { type: 'perf-test' }>,
  path: string,
  { environments, book }: Pick<Context, 'environments' | 'book'>,
  or: <T>(value: T | undefined, fallback: T) => Leaf<T>,
): object {
  const { measure } = said;
  const isPrinted = measure !== undefined && typeof measure !== 'string';
  const last = inOrder(environments).at(-1)!.name;
  const share = (text: config.Percent | undefined) => (text === undefined ? undefined : readPercent(text) / 100);
  const [minPairs, maxPairs] = [said.pairs?.min, said.pairs?.max];
  return {
    type: said.type,
    command: book.at(`${path}.command`, { value: readCommand(said.command), layer: 'service' }),
    environment: book.at(`${path}.environment`, or(said.environment, last)),
    measure: book.at(
      `${path}.measure`,
      or<PerfMeasure | undefined>(isPrinted ? { output: measure.output } : measure, 'cpu'),
    ),
    better: book.at(`${path}.better`, or(isPrinted ? measure.better : undefined, 'lower')),
    delta: book.at(`${path}.delta`, or(share(said.delta), 0.005)),
    margin: book.at(`${path}.margin`, or(share(said.margin), 0.02)),
    alpha: book.at(`${path}.alpha`, or(undefined, 0.01)),
    minPairs: book.at(`${path}.minPairs`, or(minPairs, Math.min(10, maxPairs ?? 10))),
    maxPairs: book.at(`${path}.maxPairs`, or(maxPairs, Math.max(60, minPairs ?? 60))),
    onUndecided: book.at(`${path}.onUndecided`, or(said.onUndecided, 'proceed')),
  };
}

const everyDay = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

function windowsOf({ value, layer }: Leaf<readonly config.WindowConfig[]>): Leaf<WindowSpec[]> {
  const windows = value.map(({ from, to, days, timeZone }) => ({
    from,
    to,
    days: everyDay.filter((day) => days === undefined || days.includes(day)),
    timeZone: timeZone ?? 'UTC',
  }));
  return { value: windows, layer };
}
