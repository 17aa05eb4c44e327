import type { Finding } from '../../api/index.ts';
import type { ParkedEffect, ParkedWork } from '../../engine/index.ts';
import type { HostOverview } from '../../fleet/read.ts';
import type { KeptFinding } from '../../judge/index.ts';
import type { DriverFinding } from '../drivers/runner.ts';

/** A TaskController that releases wait for. */
export interface ControllerAlarm {
  readonly job: string;
  readonly alarm: 'silent' | 'withholding';
  readonly sinceMs: number | undefined;
  readonly failure: string | undefined;
  readonly waiting: number;
}

/** Everything findings are made of, as it was read. */
export interface FindingFacts {
  readonly parkedWork: readonly ParkedWork[];
  readonly parkedEffects: readonly ParkedEffect[];
  readonly hosts: readonly HostOverview[];
  readonly isMassSilence: boolean;
  /** Free share of the server's own disk. */
  readonly freeDiskRatio: number;
  readonly leastFreeDiskRatio: number;
  readonly runningCarriers: readonly { readonly mark: string; readonly job: string; readonly tasks: number }[];
  /** Held, failed, and nothing goes on by itself. */
  readonly stoppedRollouts: readonly {
    readonly rollout: string;
    readonly job: string;
    readonly reason: string;
    readonly sinceMs: number;
  }[];
  readonly controllers: readonly ControllerAlarm[];
  /** Drivers that are plug-ins and do not do what they should. */
  readonly drivers: readonly DriverFinding[];
  readonly problems: readonly {
    readonly subject: string;
    readonly detail: string;
    readonly remedy: string;
    readonly atMs: number;
  }[];
  /** Work on hosts that should be over, and is not ended. */
  readonly overdue: readonly { readonly id: string; readonly scope: string; readonly untilMs: number }[];
  /** What is wrong with metrics now. */
  readonly metrics: readonly KeptFinding[];
}

/** What about the installation needs a person's look, worst first. Pure. */
export function decideFindings(facts: FindingFacts): Finding[] {
  const found = [
    ...alarms(facts),
    ...controllers(facts),
    ...drivers(facts),
    ...disks(facts),
    ...parked(facts),
    ...hosts(facts),
    ...overdue(facts),
    ...carriers(facts),
    ...stopped(facts),
    ...problems(facts),
    ...metrics(facts),
  ];
  const order = { alarm: 0, warning: 1, info: 2 };
  return found.sort((a, b) => order[a.severity] - order[b.severity]);
}

function alarms({ isMassSilence }: FindingFacts): Finding[] {
  if (!isMassSilence) return [];
  return [
    {
      kind: 'alarm',
      severity: 'alarm',
      sentence: 'More than half of the hosts fell silent together; nothing is moved.',
      remedy: 'Look at the network between the server and its hosts; declare hosts dead only when you know they are.',
      subject: 'fleet',
      sinceMs: null,
    },
  ];
}

function controllers({ controllers: known }: FindingFacts): Finding[] {
  return known.map(({ job, alarm, sinceMs, failure, waiting }) => ({
    kind: 'alarm',
    severity: 'alarm',
    sentence:
      alarm === 'silent'
        ? `The TaskController of ${job} does not answer: ${failure ?? 'nothing came back'}. Its releases wait.`
        : `The TaskController of ${job} acks none of ${waiting} operations that wait.`,
    remedy:
      'Look after the controller; or go on without it for one rollout: `rollway override-controller`, and another person `rollway confirm-override`.',
    subject: `job/${job}`,
    sinceMs: sinceMs ?? null,
  }));
}

function drivers({ drivers: known }: FindingFacts): Finding[] {
  return known.map(({ plugin, job, sentence, sinceMs }) => ({
    kind: 'alarm',
    severity: 'alarm',
    sentence: `The driver ${plugin} of ${job} does not answer: ${sentence.replace(/\.$/, '')}. How its tasks are is not known; nothing of them moves.`,
    remedy:
      'It is tried again by itself. Look at the server’s log, and at what it drives; docs/plugins.md says what a driver has to do.',
    subject: `job/${job}`,
    sinceMs,
  }));
}

function disks({ freeDiskRatio, leastFreeDiskRatio, hosts: known }: FindingFacts): Finding[] {
  const low = (subject: string, ratio: number, what: string): Finding => ({
    kind: 'disk',
    severity: 'alarm',
    sentence: `${subject} has ${Math.floor(ratio * 1000) / 10} % of its disk free; ${what} do not start below ${leastFreeDiskRatio * 100} %.`,
    remedy: 'Free space; builds resume by themselves.',
    subject,
    sinceMs: null,
  });
  return [
    ...(freeDiskRatio < leastFreeDiskRatio ? [low('server', freeDiskRatio, 'builds and uploads')] : []),
    ...known
      .filter((host) => host.freeDiskRatio < leastFreeDiskRatio && host.state === 'up')
      .map((host) => low(`host/${host.id}`, host.freeDiskRatio, 'builds')),
  ];
}

function overdue({ overdue: known }: FindingFacts): Finding[] {
  return known.map(({ id, scope, untilMs }) => ({
    kind: 'host',
    severity: 'warning',
    sentence: `The work on ${scope} should be over, and ${id} is not ended: nothing is placed there.`,
    remedy: `\`rollway maintenance end ${id}\`, or \`rollway maintenance extend ${id} --until …\`.`,
    subject: 'fleet',
    sinceMs: untilMs,
  }));
}

function parked({ parkedWork, parkedEffects }: FindingFacts): Finding[] {
  return [
    ...parkedWork.map(
      (work): Finding => ({
        kind: 'parked-work',
        severity: 'warning',
        sentence: `${work.kind} of ${work.key} was set aside after ${work.attempts} failures: ${firstLine(work.lastError)}`,
        remedy: `\`rollway work retry ${work.kind} ${work.key}\``,
        subject: `work/${work.kind}/${work.key}`,
        sinceMs: work.parkedAtMs,
      }),
    ),
    ...parkedEffects.map(
      (effect): Finding => ({
        kind: 'parked-work',
        severity: 'warning',
        sentence: effect.isUncertain
          ? `A crash left it unknown whether ${effect.kind} (${effect.id}) was done at ${effect.receiver}.`
          : `${effect.kind} to ${effect.receiver} was set aside after ${effect.attempts} failures: ${firstLine(effect.lastError)}`,
        remedy: `\`rollway work retry ${effect.kind} ${effect.id} --effect\`, or \`rollway work drop ${effect.id} --reason …\` when it was done or is not wanted any more`,
        subject: `effect/${effect.id}`,
        sinceMs: null,
      }),
    ),
  ];
}

function hosts({ hosts: known }: FindingFacts): Finding[] {
  return known
    .filter((host) => host.state === 'suspected' || host.state === 'lost')
    .map((host) => ({
      kind: 'host',
      severity: host.state === 'lost' ? 'alarm' : 'warning',
      sentence: `${host.id} is ${host.state}; it was last heard of at ${new Date(host.lastSeenAtMs).toISOString()}.`,
      remedy: `Start its agent, or \`rollway host dead ${host.id}\` when you know that nothing runs there.`,
      subject: `host/${host.id}`,
      sinceMs: host.stateSinceMs,
    }));
}

function carriers({ runningCarriers }: FindingFacts): Finding[] {
  return runningCarriers.map(({ mark, job, tasks }) => ({
    kind: 'running-carrier',
    severity: 'warning',
    sentence: `${tasks} tasks of ${job} run a version that carries ${mark}.`,
    remedy: `Deploy a version without it, or a fix; \`rollway mark show ${mark}\` says what clears it.`,
    subject: `mark/${mark}`,
    sinceMs: null,
  }));
}

function stopped({ stoppedRollouts }: FindingFacts): Finding[] {
  return stoppedRollouts.map(({ rollout, job, reason, sinceMs }) => ({
    kind: 'stopped-rollout',
    severity: 'alarm',
    sentence: `A rollout of ${job} failed and stays as it is: ${reason}`,
    remedy: `Deploy a fix; \`rollway explain ${rollout}\` says what else a person can do.`,
    subject: `rollout/${rollout}`,
    sinceMs,
  }));
}

function problems({ problems: known }: FindingFacts): Finding[] {
  return known.map(({ subject, detail, remedy, atMs }) => ({
    kind: 'repository',
    severity: 'warning',
    sentence: detail,
    remedy,
    subject,
    sinceMs: atMs,
  }));
}

/** The same trouble of many tasks of a job is one finding. */
function metrics({ metrics: known }: FindingFacts): Finding[] {
  const groups = Map.groupBy(known, ({ source, subject, trouble }) => `${source}/${trouble}/${jobOf(subject)}`);
  return [...groups.values()].map((group) => {
    const [first] = group as [KeptFinding];
    const others =
      group.length > 1 ? ` The same holds for ${group.length === 2 ? '1 other' : `${group.length - 1} others`}.` : '';
    return {
      kind: 'metrics',
      severity: 'warning',
      sentence: `${first.sentence}${others}`,
      remedy: first.remedy,
      subject: `metrics/${group.length > 1 ? jobOf(first.subject) : first.subject}`,
      sinceMs: Math.min(...group.map(({ sinceMs }) => sinceMs)),
    };
  });
}

/** `guestbook@production/3` is a task of `guestbook@production`. */
function jobOf(subject: string): string {
  return subject.includes('@') ? subject.replace(/\/\d+$/, '') : subject;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.slice(0, 300) ?? '';
}
