import { z } from 'zod';
import { parseDuration, parseRate } from '../kit/index.ts';
import { maintenanceAnswers } from '../model/index.ts';
import { splitCommand } from './command.ts';

/**
 * What a user may write, for both forms (`rollway.config.ts`, YAML). Nothing is changed here: `layers-of-user.ts`
 * reads the shorthands. Every refusal says what is expected, in words.
 */

const expected = (what: string) => ({ error: `must be ${what}` });
/** For fields that have several forms: one sentence instead of a list of everything that did not fit. */
const oneOf = <T extends readonly [z.ZodType, ...z.ZodType[]]>(what: string, options: T) =>
  z.union(options, expected(what));

// Several rules of one field all run: a later one lets through what an earlier one has refused.
const name = z
  .string(expected('a name'))
  .regex(/^[a-z][a-z0-9-]{0,40}$/, 'must be lower-case letters, digits and hyphens, starting with a letter');
const text = z.string(expected('text')).min(1, 'must not be empty');
const flag = z.boolean(expected('true or false'));
const duration = z
  .string(expected('a duration such as "30s"'))
  .regex(/^(\d+(\.\d+)?(ms|s|m|h|d))+$/, 'must be a duration such as "30s", "10m" or "1h30m"')
  .refine((value) => (parseDuration(value) ?? 0) <= 366 * 86_400_000, 'must be at most a year');
const percent = z
  .string(expected('a percentage such as "5%"'))
  .regex(/^\d+(\.\d+)?%$/, 'must be a percentage such as "5%"');
const share = percent.refine((value) => !(Number(value.slice(0, -1)) > 100), 'must be at most 100%');
const whole = z.number(expected('a number')).int('must be a whole number').nonnegative('must not be negative');
const count = oneOf('a number of tasks such as 3, or a percentage such as "25%"', [whole, share]);
const rate = z
  .string(expected('a rate such as "10/1m"'))
  .refine((value) => parseRate(value) !== undefined, 'must be a rate such as "10/1m": so many within 100ms to 7d');
const path = z.string(expected('a path such as "/healthz"')).startsWith('/', 'must be a path that starts with /');
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable');
const variables = z.record(
  variable,
  z.string({ error: 'must be text: put numbers and booleans in quotes' }),
  expected('names and values'),
);
const budget = oneOf('a number of tasks, a percentage such as "10%", or { tasks, perDomain, perGroup }', [
  whole,
  share,
  z.strictObject({
    tasks: count.optional(),
    perDomain: z.record(text, count, expected('labels and numbers such as { rack: 1 }')).optional(),
    perGroup: z
      .strictObject({
        groups: oneOf('the size of a group, or lists of task indices', [
          z.number().int().min(2).max(100_000),
          z.array(z.array(whole).min(2).max(100_000)).min(1).max(100_000),
        ]),
        max: z.number().int().min(1, 'must be at least 1').optional(),
      })
      .optional(),
  }),
]);
const trust = z.enum(['observe', 'hold', 'revert'], expected('"observe", "hold" or "revert"'));
const labels = z.record(text, z.string(expected('text')), expected('labels and values'));
const oneLine = z.string().check((context) => {
  const words = splitCommand(context.value);
  if (!words.ok) context.issues.push({ code: 'custom', message: words.error, input: context.value });
});
const argv = z.array(z.string().min(1, 'must not be empty'), expected('a list of words')).min(1, 'must not be empty');
const command = oneOf('a command such as "node server.js", or its words as a list', [oneLine, argv]);
const commands = oneOf('a command, or a list of commands', [oneLine, z.array(command)]);
const someCommands = oneOf('a command, or a list of commands', [oneLine, z.array(command).min(1, 'must not be empty')]);
const port = name;
const promql = z
  .string(expected('PromQL'))
  .min(1, 'must not be empty')
  .max(2000, 'must be at most 2,000 characters')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they have no business in a query
  .refine((value) => !/[\u0000-\u0008\u000b-\u001f]/.test(value), 'must not contain control characters')
  .refine(isBalanced, 'has brackets or quotes that are not closed');
const patterns = z.array(
  text.refine((value) => !value.startsWith('/') && !value.split('/').includes('..'), 'must stay inside the checkout'),
  expected('a list of paths'),
);
const bake = oneOf('a duration such as "5m", or { min, max }', [
  duration,
  z.strictObject({ min: duration.optional(), max: duration.optional() }),
]);
const onFail = oneOf('"revert", "hold" or { hold: "10m" }', [
  z.literal('revert'),
  z.literal('hold'),
  z.strictObject({ hold: duration }),
]);
const onUndecided = z.enum(['proceed', 'hold'], expected('"proceed" or "hold"'));
const picker = z.enum(['newest', 'oldest', 'every', 'named'], expected('"newest", "oldest", "every" or "named"'));
const positive = z.number(expected('a number')).int('must be a whole number').positive('must be at least 1');

type SelectInput = import('./config.ts').Select;
const select: z.ZodType<SelectInput, SelectInput> = z.lazy(() =>
  oneOf('a number of tasks, a percentage, "all", or where they run such as { rack: "a" }', [
    positive,
    share.refine((value) => !(Number(value.slice(0, -1)) <= 0), 'must be more than 0%'),
    z.literal('all'),
    z.strictObject({ region: text }),
    z.strictObject({ rack: text }),
    z.strictObject({ label: z.strictObject({ key: text, value: z.string() }) }),
    z.strictObject({ tasks: z.array(whole).min(1, 'must not be empty') }),
    z.strictObject({ union: z.array(select).min(2, 'must have at least two parts') }),
    z.strictObject({ difference: z.tuple([select, select]) }),
  ]),
);
const phase = z.strictObject({
  name: name.optional(),
  select,
  concurrency: count.optional(),
  bake: bake.optional(),
  onFail: onFail.optional(),
  onUndecided: onUndecided.optional(),
});
export const phaseTemplates = ['careful', 'standard', 'fast', 'everyone-at-once'] as const;
const phases = oneOf(`one of ${phaseTemplates.map((t) => `"${t}"`).join(', ')}, or a list such as [1, "25%", "all"]`, [
  z.enum(phaseTemplates),
  z
    .array(
      oneOf('a number of tasks, a percentage, "all", or { select: … }', [positive, share, z.literal('all'), phase]),
    )
    .min(1, 'must not be empty')
    .max(50, 'must be at most 50 phases'),
]);
const time = z
  .string(expected('a time such as "09:00"'))
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as "09:00"');
const window = z.strictObject({
  from: time,
  to: time,
  days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], expected('a day such as "mon"'))).optional(),
  timeZone: text.optional(),
});
const surge = oneOf('a number of tasks such as 2, or a percentage such as "10%"', [
  positive.max(10_000),
  share.refine((value) => !(Number(value.slice(0, -1)) <= 0), 'must be more than 0%'),
]);
const pluginName = z
  .string(expected('the name of a plug-in'))
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens, starting with a letter');
const pluginSettings = z
  .record(z.string(), z.json())
  .refine((settings) => JSON.stringify(settings).length <= 16_384, 'must be at most 16 kB of JSON');
const blueGreen = z.strictObject({ check: duration.optional(), keepOld: duration.optional() });
const strategy = oneOf('"in-place", "recreate", "blue-green", { surge: 2 } or { plugin: "its-name" }', [
  z.enum(['in-place', 'recreate', 'blue-green']),
  z.strictObject({ blueGreen }),
  z.strictObject({ surge }),
  z.strictObject({ plugin: pluginName, settings: pluginSettings.optional() }),
]);
const driver = oneOf('"fleet" or { plugin: "its-name" }', [
  z.literal('fleet'),
  z.strictObject({ plugin: pluginName, settings: pluginSettings.optional() }),
]);
const rollout = {
  phases: phases.optional(),
  bake: bake.optional(),
  concurrency: count.optional(),
  onFail: onFail.optional(),
  onUndecided: onUndecided.optional(),
  newcomers: z.enum(['last-good', 'new'], expected('"last-good" or "new"')).optional(),
  overlap: z.enum(['wait', 'supersede'], expected('"wait" or "supersede"')).optional(),
  watch: duration.optional(),
  forwardOnly: flag.optional(),
  strategy: strategy.optional(),
  picker: picker.optional(),
  windows: z.array(window).optional(),
};
const controlTiming = {
  timeout: duration.refine((value) => within(value, 100, 60_000), 'must be from 100ms to 1m').optional(),
  interval: duration.refine((value) => within(value, 100, 600_000), 'must be from 100ms to 10m').optional(),
  alarmAfter: duration
    .refine((value) => within(value, 1000, Number.POSITIVE_INFINITY), 'must be at least 1s')
    .optional(),
};
/** Brackets and quotes only: what else is wrong with it, its server says. */
function isBalanced(promql: string): boolean {
  const closing: string[] = [];
  const pairs: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
  for (const token of promql.match(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|[()[\]{}"'`]/g) ?? []) {
    if (pairs[token] !== undefined) closing.push(pairs[token]);
    else if (/^[)\]}]$/.test(token)) {
      if (closing.pop() !== token) return false;
    } else if (token.length === 1) return false;
  }
  return closing.length === 0;
}
function within(value: string, least: number, most: number): boolean {
  const ms = parseDuration(value);
  return ms === undefined || (ms >= least && ms <= most);
}
const secretName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be the name of a file: no path');
const controllerUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' })
  .refine((value) => !URL.canParse(value) || new URL(value).username === '', 'must not contain credentials');
const taskControl = oneOf('"budget-only", or one of { url }, { leaderLast }, { shardAware }, { loadAware }', [
  z.literal('budget-only'),
  z.strictObject({
    ...controlTiming,
    url: controllerUrl,
    secretHeaders: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'must be a header'), secretName).optional(),
  }),
  z.strictObject({ ...controlTiming, leaderLast: path, port: port.optional() }),
  z.strictObject({
    ...controlTiming,
    shardAware: path,
    port: port.optional(),
    keep: whole.optional(),
    rideOut: duration.optional(),
  }),
  z.strictObject({
    ...controlTiming,
    loadAware: oneOf('a path such as "/load", or { metric, full }', [
      path,
      z.strictObject({ metric: text.max(200), full: z.number(expected('a number')).positive('must be above 0') }),
    ]),
    port: port.optional(),
    low: percent.optional(),
    high: percent.optional(),
    floor: positive.optional(),
  }),
]);
const onMaintenance = z.enum(maintenanceAnswers, expected('"move", "hold" or "ignore"'));
const job = z.strictObject({
  phases: rollout.phases,
  bake: rollout.bake,
  concurrency: rollout.concurrency,
  onFail: rollout.onFail,
  onUndecided: rollout.onUndecided,
  strategy: rollout.strategy,
  tasks: positive.max(100_000).optional(),
  budget: budget.optional(),
  taskControl: taskControl.optional(),
  onMaintenance: onMaintenance.optional(),
  driver: driver.optional(),
  env: variables.optional(),
  hosts: labels.optional(),
});
const environment = z.strictObject({
  ...rollout,
  jobs: z
    .record(
      name,
      oneOf('a number of tasks, or { tasks, hosts, … }', [positive.max(100_000), job]),
      expected('jobs by name'),
    )
    .refine((value) => Object.keys(value).length > 0, 'must name at least one job')
    .refine((value) => Object.keys(value).length <= 50, 'must be at most 50 jobs')
    .optional(),
  waves: z
    .array(z.array(name, expected('a list of names')).min(1, 'must not be empty'), expected('lists of names of jobs'))
    .min(1, 'must not be empty')
    .optional(),
  barrier: z.enum(['phase', 'job', 'none'], expected('"phase", "job" or "none"')).optional(),
  tasks: positive.max(100_000).optional(),
  budget: budget.optional(),
  taskControl: taskControl.optional(),
  onMaintenance: onMaintenance.optional(),
  driver: driver.optional(),
  env: variables.optional(),
  hosts: labels.optional(),
  after: name.optional(),
  soak: duration.optional(),
});
const ready = oneOf('a path such as "/healthz", or one of { http }, { tcp }, { log }, { running }', [
  path,
  z.strictObject({ http: path, port: port.optional(), within: duration.optional() }),
  z.strictObject({ tcp: port, within: duration.optional() }),
  z.strictObject({ log: text, within: duration.optional() }),
  z.strictObject({ running: duration, within: duration.optional() }),
]);
const measured = {
  errorRatio: z.strictObject({ counter: text.optional(), label: text.optional(), values: text.optional() }).optional(),
  latency: z
    .strictObject({ histogram: text.optional(), quantile: z.number().gt(0).lt(1, 'must be below 1').optional() })
    .optional(),
  gauge: text.optional(),
  rate: text.optional(),
};
const score = z.number(expected('a number from 0 to 100')).min(0, 'must be at least 0').max(100, 'must be at most 100');
const effect = z.number(expected('a number')).positive('must be more than 0').optional();
const kayenta = z.strictObject({
  metrics: z.record(
    text,
    z.strictObject({
      ...measured,
      groups: z.array(text).min(1, 'must not be empty').optional(),
      direction: z.enum(['increase', 'decrease', 'either'], expected('"increase", "decrease" or "either"')).optional(),
      nanStrategy: z.enum(['replace', 'remove'], expected('"replace" or "remove"')).optional(),
      critical: flag.optional(),
      mustHaveData: flag.optional(),
      effectSize: z
        .strictObject({
          ...{ allowedIncrease: effect, allowedDecrease: effect, criticalIncrease: effect, criticalDecrease: effect },
          measure: z.enum(['meanRatio', 'cles'], expected('"meanRatio" or "cles"')).optional(),
        })
        .optional(),
      outlierFactor: effect,
    }),
  ),
  groupWeights: z.record(text, score).optional(),
  pass: score.optional(),
  marginal: score.optional(),
});
const check = z.strictObject({
  ...measured,
  kayenta: kayenta.optional(),
  perLoad: z.strictObject({ gauge: text.optional(), counter: text.optional() }).optional(),
  incidents: text.optional(),
  query: oneOf('PromQL, or { promql, server }', [
    promql,
    z.strictObject({ promql, server: name.optional() }),
  ]).optional(),
  floor: z.number(expected('a number')).nonnegative('must not be negative').optional(),
  worse: z.enum(['higher', 'lower'], expected('"higher" or "lower"')).optional(),
  class: z.enum(['system', 'call', 'business'], expected('"system", "call" or "business"')).optional(),
  against: z.enum(['old', 'before', 'limit', 'trend'], expected('"old", "before", "limit" or "trend"')).optional(),
  limit: oneOf('a percentage such as "1%", a duration such as "250ms", or a number', [
    percent,
    duration,
    z.number(),
  ]).optional(),
  missing: z.enum(['undecided', 'zero'], expected('"undecided" or "zero"')).optional(),
  minSamples: whole.optional(),
  window: duration.optional(),
  weight: z.number(expected('a number')).positive('must be more than 0').optional(),
  delta: percent.optional(),
  margin: percent.refine((value) => value !== '0%', 'must be more than 0%').optional(),
  critical: flag.optional(),
  required: flag.optional(),
  trust: trust.optional(),
});
const actionBase = {
  name,
  needs: z.array(name).optional(),
  timeout: duration.optional(),
  retries: whole.max(10, 'must be at most 10').optional(),
  picker: picker.optional(),
  inputs: z.array(name).optional(),
};
const action = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      ...actionBase,
      type: z.literal('build'),
      commands: commands.optional(),
      include: patterns.optional(),
      exclude: patterns.optional(),
      output: name.optional(),
    }),
    z.strictObject({ ...actionBase, type: z.literal('test'), commands: someCommands }),
    z.strictObject({
      ...actionBase,
      type: z.literal('run'),
      commands: someCommands,
      safeToRepeat: flag.optional(),
      output: name.optional(),
    }),
    z.strictObject({ ...actionBase, type: z.literal('deploy'), environment: name }),
    z.strictObject({ ...actionBase, type: z.literal('bake'), environment: name, for: duration }),
    z.strictObject({
      ...actionBase,
      type: z.literal('perf-test'),
      command,
      environment: name.optional(),
      measure: oneOf('"cpu", "time" or { output: "a name that it prints" }', [
        z.enum(['cpu', 'time']),
        z.strictObject({
          output: text.max(100, 'must be at most 100 characters'),
          better: z.enum(['lower', 'higher'], expected('"lower" or "higher"')).optional(),
        }),
      ]).optional(),
      delta: percent.optional(),
      margin: percent.refine((value) => value !== '0%', 'must be more than 0%').optional(),
      pairs: z
        .strictObject({
          min: whole.min(5, 'must be at least 5').max(100, 'must be at most 100').optional(),
          max: whole.min(5, 'must be at least 5').max(100, 'must be at most 100').optional(),
        })
        .optional(),
      onUndecided: z.enum(['proceed', 'fail'], expected('"proceed" or "fail"')).optional(),
    }),
  ],
  expected('an action of type build, test, run, perf-test, deploy or bake'),
);

export const configSchema = z.strictObject(
  {
    ...rollout,
    name,
    kind: z.enum(['server', 'worker'], expected('"server" or "worker"')).optional(),
    command,
    ports: z.array(port).max(20, 'must be at most 20').optional(),
    ready: ready.optional(),
    metrics: oneOf('a path such as "/metrics", or { path, port }', [
      path,
      z.strictObject({ path: path.optional(), port: port.optional() }),
    ]).optional(),
    env: variables.optional(),
    secretFiles: z.record(variable, path).optional(),
    stop: z
      .strictObject({
        signal: z
          .enum(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'], expected('SIGTERM, SIGINT, SIGQUIT or SIGHUP'))
          .optional(),
        grace: duration.optional(),
      })
      .optional(),
    drain: duration.optional(),
    dataDir: flag.optional(),
    cpu: z.number(expected('a number of cores such as 0.5')).min(0.001, 'must be at least 0.001').max(1024).optional(),
    memory: z
      .string(expected('a size such as "512MB"'))
      .regex(/^\d+(\.\d+)?\s?(MB|GB|MiB|GiB)$/, 'must be a size such as "512MB" or "2GB"')
      .refine((value) => !(Number.parseFloat(value) < 1), 'must be at least 1')
      .optional(),
    singleton: flag.optional(),
    build: oneOf('a command, a list of commands, or { commands, include, exclude, timeout }', [
      oneLine,
      z.array(command),
      z.strictObject({
        commands: commands.optional(),
        include: patterns.optional(),
        exclude: patterns.optional(),
        timeout: duration.optional(),
      }),
    ]).optional(),
    test: oneOf('a command, a list of commands, or { commands, timeout }', [
      oneLine,
      z.array(command).min(1, 'must not be empty'),
      z.strictObject({ commands: someCommands, timeout: duration.optional() }),
    ]).optional(),
    tasks: positive.max(100_000).optional(),
    budget: budget.optional(),
    rate: rate.optional(),
    ratePerDomain: z.record(text, rate, expected('labels and rates such as { rack: "2/1m" }')).optional(),
    taskControl: taskControl.optional(),
    onMaintenance: onMaintenance.optional(),
    driver: driver.optional(),
    hosts: labels.optional(),
    environments: z
      .record(name, oneOf('a number of tasks, or { tasks, budget, … }', [positive.max(100_000), environment]))
      .refine((value) => Object.keys(value).length > 0, 'must name at least one environment')
      .optional(),
    checks: z.record(name, oneOf('a check, or false', [z.literal(false), check])).optional(),
    judge: z
      .strictObject({
        failTogether: oneOf('"any", "all" or a percentage such as "50%"', [
          z.literal('any'),
          z.literal('all'),
          share,
        ]).optional(),
        alpha: z.number().gt(0).lt(0.5, 'must be below 0.5').optional(),
        bin: duration.refine((value) => (parseDuration(value) ?? 1000) >= 1000, 'must be at least 1s').optional(),
        warmup: duration.optional(),
        calibrate: z.enum(['auto', 'off'], expected('"auto" or "off"')).optional(),
        placebo: oneOf('"auto", "off" or { tasks: n }', [
          z.literal('auto'),
          z.literal('off'),
          z.strictObject({ tasks: positive.max(20, 'must be at most 20') }),
        ]).optional(),
        neighbours: z
          .array(
            oneOf('the name of a service, or { service, checks, trust }', [
              name,
              z.strictObject({
                service: name,
                environment: name.optional(),
                checks: z.array(name).min(1, 'must not be empty').max(20, 'must be at most 20').optional(),
                trust: trust.optional(),
              }),
            ]),
          )
          .max(10, 'must be at most 10 services')
          .optional(),
        confounders: z
          .array(
            z.strictObject({
              name: text.max(60, 'must be at most 60 characters'),
              metric: text,
              above: z.number(expected('a number')).optional(),
              service: name.optional(),
            }),
          )
          .max(10, 'must be at most 10')
          .optional(),
      })
      .optional(),
    pipeline: oneOf('"continuous", "manual" or { mode, branch, actions }', [
      z.literal('continuous'),
      z.literal('manual'),
      z.strictObject({
        mode: z.enum(['continuous', 'manual'], expected('"continuous" or "manual"')).optional(),
        branch: text.optional(),
        actions: z.array(action).min(1, 'must not be empty').optional(),
      }),
    ]).optional(),
  },
  expected('an object with at least `name` and `command`'),
);

export type ConfigInput = z.input<typeof configSchema>;

/** For editors: completion and checks while writing `rollway.yaml`. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema, { io: 'input' }) as Record<string, unknown>;
}
