import type { TaskSpec } from '../model/index.ts';

/** Where a task is to run. */
export interface LaunchPlace {
  readonly host: string;
  readonly address: string;
  /** By the names that its service gives them. */
  readonly ports: Readonly<Record<string, number>>;
  /** Kept from one incarnation of the index to the next. */
  readonly dataDir: string;
}

/** What is to be run of which version. */
export interface LaunchFacts {
  readonly job: string;
  readonly index: number;
  readonly incarnation: number;
  readonly version: { readonly id: string; readonly task: TaskSpec };
  /** Of the environment that the job is in. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Launch {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** `{port}` the first port, `{port:admin}` the one of that name, `{address}`, `{dataDir}`. */
export function fillIn(word: string, { ports, address, dataDir }: Omit<LaunchPlace, 'host'>): string {
  return word.replaceAll(/\{(port|address|dataDir)(?::([a-z][a-z0-9-]*))?\}/g, (whole, what: string, name?: string) => {
    if (what === 'address') return address;
    if (what === 'dataDir') return dataDir;
    const port = name === undefined ? Object.values(ports)[0] : ports[name];
    return port === undefined ? whole : String(port);
  });
}

/** The command and the environment of one incarnation, the same whichever driver runs it; `base` is what it begins with. */
export function launchOf(facts: LaunchFacts, place: LaunchPlace, base: Readonly<Record<string, string>>): Launch {
  const { job, index, incarnation, version } = facts;
  const { task: spec } = version;
  const { host, address, ports, dataDir } = place;
  const env: Record<string, string> = { ...base, ...spec.env, ...facts.env };
  for (const [name, path] of Object.entries(spec.secretFiles)) env[name] = path;
  const [first] = Object.values(ports);
  if (first !== undefined) env.PORT = String(first);
  for (const [name, port] of Object.entries(ports)) {
    env[`PORT_${name.toUpperCase().replaceAll('-', '_')}`] = String(port);
  }
  if (spec.dataDir) env.ROLLWAY_DATA_DIR = dataDir;
  // OpenTelemetry's SDKs take their resource from here: so metrics handed in name their task by themselves.
  const own = `rollway.job=${job},rollway.index=${index},rollway.incarnation=${incarnation}`;
  env.OTEL_RESOURCE_ATTRIBUTES = env.OTEL_RESOURCE_ATTRIBUTES ? `${env.OTEL_RESOURCE_ATTRIBUTES},${own}` : own;
  return {
    command: spec.command.map((word) => fillIn(word, place)),
    env: {
      ...env,
      HOST: address,
      ROLLWAY_JOB: job,
      ROLLWAY_INDEX: String(index),
      ROLLWAY_INCARNATION: String(incarnation),
      ROLLWAY_VERSION: version.id,
      ROLLWAY_HOST: host,
    },
  };
}
