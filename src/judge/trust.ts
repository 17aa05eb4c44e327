import type { CheckSpec, Verdict } from '../model/index.ts';

export type Trust = CheckSpec['trust'];

/** One rollout as the record of its checks sees it. */
export interface JudgedRollout {
  readonly rollout: string;
  /** The last word of each check in any phase: `fail` if it ever failed, else the newest. */
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** What a person decided on it himself: let it through, or took it back; undefined: nobody had to. */
  readonly person: 'through' | 'back' | undefined;
  /** What a person said afterwards of the verdict: right or wrong. */
  readonly label: boolean | undefined;
}

/** How a check has done, and what that says of how far it may be trusted. */
export interface TrustRecord {
  readonly check: string;
  readonly trust: Trust;
  readonly rollouts: number;
  readonly passes: number;
  readonly alarms: number;
  readonly undecided: number;
  /** Of the alarms: right, wrong, nobody said. By label, else by what a person decided. */
  readonly trueAlarms: number;
  readonly falseAlarms: number;
  readonly unjudgedAlarms: number;
  /** Rollouts on which both the check and a person decided, and those on which they agreed. */
  readonly both: number;
  readonly agreed: number;
  /** What it should become; undefined: as it is. */
  readonly proposal: Trust | undefined;
  readonly sentence: string;
}

/** Rollouts before a check may go up a step, and the share of false alarms above which it goes down one. */
const before = { hold: 10, revert: 20 };
const tooManyFalse = 0.1;
const fewestAlarms = 3;

/** `observe → hold → revert`: a check moves by its record. Pure; a person makes the change, in the configuration. */
export function trustRecord(
  check: string,
  trust: Trust,
  rollouts: readonly JudgedRollout[],
  isHonest = true,
): TrustRecord {
  let [passes, alarms, undecided, trueAlarms, falseAlarms, both, agreed] = [0, 0, 0, 0, 0, 0, 0];
  for (const { verdicts, person, label } of rollouts) {
    const verdict = verdicts[check];
    if (verdict === undefined) continue;
    if (verdict === 'undecided') undecided += 1;
    else if (verdict === 'pass') passes += 1;
    else alarms += 1;
    if (verdict === 'fail') {
      const wasRight = label ?? (person === undefined ? undefined : person === 'back');
      if (wasRight === true) trueAlarms += 1;
      if (wasRight === false) falseAlarms += 1;
    }
    if (person === undefined || verdict === 'undecided') continue;
    both += 1;
    if ((verdict === 'fail') === (person === 'back')) agreed += 1;
  }
  const seen = passes + alarms + undecided;
  const counts = { rollouts: seen, passes, alarms, undecided, trueAlarms, falseAlarms };
  const record = { check, trust, ...counts, unjudgedAlarms: alarms - trueAlarms - falseAlarms, both, agreed };
  const earned = propose(trust, record);
  // What alarms when nothing has changed is not let to revert, whatever its record.
  const proposal = earned === 'revert' && !isHonest ? undefined : earned;
  return { ...record, proposal, sentence: explain(record, proposal) };
}

type Counts = Omit<TrustRecord, 'proposal' | 'sentence'>;

function propose(trust: Trust, { rollouts, passes, alarms, falseAlarms, unjudgedAlarms }: Counts): Trust | undefined {
  const judged = alarms - unjudgedAlarms;
  const isFalse = judged >= fewestAlarms && falseAlarms / judged > 0.5 && falseAlarms / rollouts > tooManyFalse / 5;
  if (isFalse && trust !== 'observe') return trust === 'revert' ? 'hold' : 'observe';
  // Whoever decides nothing has earned nothing; alarms of which nobody said whether they were right neither.
  const decided = passes + alarms;
  const isHonest = unjudgedAlarms === 0 && falseAlarms / Math.max(1, rollouts) <= tooManyFalse / 5;
  if (trust === 'observe' && decided >= before.hold && isHonest) return 'hold';
  if (trust === 'hold' && decided >= before.revert && isHonest) return 'revert';
  return undefined;
}

function explain(record: Counts, proposal: Trust | undefined): string {
  const { check, trust, rollouts, passes, alarms, undecided, trueAlarms, falseAlarms, unjudgedAlarms, both, agreed } =
    record;
  const alarmsText =
    alarms === 0
      ? 'no alarm'
      : `${alarms} ${alarms === 1 ? 'alarm' : 'alarms'} (${trueAlarms} right, ${falseAlarms} wrong, ${unjudgedAlarms} unsaid)`;
  const people = both === 0 ? '' : ` With people it agreed ${agreed} of ${both} times.`;
  const fact = `${check} (${trust}): of ${rollouts === 1 ? '1 rollout' : `${rollouts} rollouts`} ${passes} passed, ${undecided} undecided, ${alarmsText}.${people}`;
  if (proposal === undefined) return fact;
  const order: readonly Trust[] = ['observe', 'hold', 'revert'];
  const isUp = order.indexOf(proposal) > order.indexOf(trust);
  return `${fact} ${isUp ? 'It has earned' : 'It should go back to'} trust: ${proposal}.`;
}
