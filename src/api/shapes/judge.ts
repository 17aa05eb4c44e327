import { z } from 'zod';
import { instant, jobIdText, rolloutId } from './basics.ts';

const verdictWord = z.enum(['pass', 'fail', 'undecided']);
const trust = z.enum(['observe', 'hold', 'revert']);

/** What the judge found of one job, and the checks it would run now. */
export const judgeDiscovery = z.object({
  job: jobIdText,
  /** Metrics of the last ten minutes. */
  metrics: z.array(
    z.object({
      metric: z.string(),
      kind: z.enum(['counter', 'gauge', 'histogram']),
      /** Label → how many values it has. */
      labels: z.record(z.string(), z.number().int()),
      tasks: z.number().int(),
      lastSeenAtMs: instant,
    }),
  ),
  checks: z.array(
    z.object({
      name: z.string(),
      /** What it looks at, in words. */
      of: z.string(),
      /** By whom: the configuration, the names of the metrics, or the fleet, which guards every service. */
      from: z.enum(['configured', 'discovered', 'guard']),
      delta: z.number(),
      margin: z.number(),
      critical: z.boolean(),
      required: z.boolean(),
      trust,
    }),
  ),
  /** In which parts of a request spans tell where its time goes; none: no spans are read. */
  components: z.array(z.string()),
  /** Why there are none, or what is wrong with the metrics. */
  findings: z.array(z.string()),
});
export type JudgeDiscovery = z.infer<typeof judgeDiscovery>;

/** One look judged again from what it was made from. */
export const replayedLook = z.object({
  lookId: z.string(),
  phase: z.number().int(),
  atMs: instant,
  verdict: verdictWord,
  /** null: what it was made from is not kept any more. */
  replayed: verdictWord.nullable(),
  /** The same in every bit. */
  isEqual: z.boolean(),
  /** Checks that differ. */
  different: z.array(z.string()),
});
export const replayView = z.object({ rollout: rolloutId, looks: z.array(replayedLook) });
export type ReplayView = z.infer<typeof replayView>;

/** How a check has done over the last rollouts of a job. */
export const trustView = z.object({
  job: jobIdText,
  check: z.string(),
  trust,
  rollouts: z.number().int(),
  passes: z.number().int(),
  alarms: z.number().int(),
  undecided: z.number().int(),
  trueAlarms: z.number().int(),
  falseAlarms: z.number().int(),
  unjudgedAlarms: z.number().int(),
  /** Rollouts on which both it and a person decided, and those on which they agreed. */
  both: z.number().int(),
  agreed: z.number().int(),
  /** What it should become; null: as it is. */
  proposal: trust.nullable(),
  sentence: z.string(),
  /** How often it alarmed when nothing had changed; null: nobody tried. */
  calibration: z.object({ isHonest: z.boolean(), sentence: z.string(), atMs: instant }).nullable(),
});
export type TrustView = z.infer<typeof trustView>;

/** How often each check of a job alarms on rollouts that never were. */
export const calibrationView = z.object({
  job: jobIdText,
  runs: z.number().int(),
  tasks: z.number().int(),
  bins: z.number().int(),
  /** Why there is none: too few tasks, or too little time in which nothing was deployed. */
  refused: z.string().nullable(),
  checks: z.array(
    z.object({
      check: z.string(),
      alarms: z.number().int(),
      interval: z.tuple([z.number(), z.number()]),
      nominal: z.number(),
      isHonest: z.boolean(),
      sentence: z.string(),
    }),
  ),
});
export type CalibrationView = z.infer<typeof calibrationView>;

/** When the checks of a job were tried by themselves, and when they are next. */
export const calibrationTurnView = z.object({
  job: jobIdText,
  /** null: never yet, or switched off. */
  atMs: instant.nullable(),
  nextAtMs: instant.nullable(),
  sentence: z.string(),
});
export type CalibrationTurnView = z.infer<typeof calibrationTurnView>;

/** A rollout in which some check alarmed, to be called right or wrong. */
export const alarmView = z.object({
  job: jobIdText,
  rollout: rolloutId,
  checks: z.array(z.string()),
  atMs: instant,
  sentence: z.string(),
  /** What a person said of it afterwards; null: nobody said. */
  label: z.boolean().nullable(),
  /** What a person decided on the rollout himself. */
  person: z.enum(['through', 'back']).nullable(),
});
export type AlarmView = z.infer<typeof alarmView>;

/** What a rollout would have come to under another setting. */
export const tunedRollout = z.object({
  rollout: rolloutId,
  looks: z.number().int(),
  /** The worst word of any look: then, and with the setting. */
  said: verdictWord,
  tuned: verdictWord,
  /** Looks until the first `fail`; null: none. */
  saidFailedAt: z.number().int().nullable(),
  tunedFailedAt: z.number().int().nullable(),
  label: z.boolean().nullable(),
});
export type TunedRollout = z.infer<typeof tunedRollout>;
