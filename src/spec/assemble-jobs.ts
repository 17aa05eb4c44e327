import type { GroupSpec, JobSpec } from '../model/index.ts';
import { assembleRecord } from './assemble-task.ts';
import type * as config from './config.ts';
import { templateLayers } from './defaults.ts';
import { type Layer, type Resolved, resolveLayers } from './layers.ts';
import { jobLayer } from './layers-of-user.ts';
import type { OriginBook } from './origins.ts';

/** One of several jobs of an environment, with everything that is said of it: of itself last. */
export interface NamedJob {
  readonly name: string;
  readonly resolved: Resolved;
}

/** The jobs that an environment lists, by name; undefined: it is one job itself. */
export function namedJobs(
  environment: string,
  said: number | config.EnvironmentConfig,
  layers: readonly Layer[],
): readonly NamedJob[] | undefined {
  if (typeof said === 'number' || said.jobs === undefined) return undefined;
  return Object.entries(said.jobs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, job]) => {
      const template = typeof job === 'object' ? job.phases : undefined;
      const own = typeof template === 'string' ? [templateLayers[template]] : [];
      return { name, resolved: resolveLayers([...layers, ...own, jobLayer(environment, name, job)]) };
    });
}

/** What a job is, whether it is one of several or the only one of its environment. */
export function assembleJob(
  name: string,
  layer: string,
  path: string,
  { values, env, hosts }: Resolved,
  book: OriginBook,
): JobSpec {
  return {
    name: book.at(`${path}.name`, { value: name, layer }),
    tasks: book.at(`${path}.tasks`, values.tasks),
    budget: book.at(`${path}.budget`, values.budget),
    budgetPerDomain: book.at(`${path}.budgetPerDomain`, values.budgetPerDomain),
    budgetPerGroup: book.at(`${path}.budgetPerGroup`, values.budgetPerGroup),
    env: assembleRecord(`${path}.env`, env, book),
    hosts: assembleRecord(`${path}.hosts`, hosts, book),
    taskControl: assembleTaskControl(path, values, book),
    onMaintenance: book.at(`${path}.onMaintenance`, values.onMaintenance),
    driver: book.at(`${path}.driver`, values.driver),
  };
}

/** A port that is not named is the first one. */
function assembleTaskControl(
  path: string,
  { taskControl, ports }: Resolved['values'],
  book: OriginBook,
): JobSpec['taskControl'] {
  const { value, layer } = taskControl;
  const full =
    value === null || value.kind === 'http' || value.kind === 'load-metric'
      ? value
      : { ...value, port: value.port ?? ports.value[0] ?? '' };
  return book.at(`${path}.taskControl`, { value: full, layer });
}

/** Everybody in one wave, in lock step, unless the user says otherwise. */
export function assembleGroup(
  environment: string,
  jobs: readonly NamedJob[],
  { values }: Resolved,
  book: OriginBook,
): GroupSpec {
  const path = `environments.${environment}.group`;
  const everybody = [jobs.map(({ name }) => name)];
  const { waves, barrier } = values;
  return {
    waves:
      waves.value === null
        ? book.derived(`${path}.waves`, everybody)
        : book.at(`${path}.waves`, { ...waves, value: waves.value.map((wave) => [...wave]) }),
    barrier: book.at(`${path}.barrier`, barrier),
  };
}
