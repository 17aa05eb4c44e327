import type { CheckView, PhaseView, RolloutDetail } from '../../api/index.ts';
import { formatDuration } from '../../kit/index.ts';
import { countDots, renderDots } from './dots.ts';
import { failureLines } from './failure-card.ts';
import { plain, type Style } from './style.ts';
import { shortCommit, stateWord } from './words.ts';

const kindWords = { deploy: '', rollback: 'back to ', restart: 'restart of ', move: 'move of ' } as const;

/** One rollout as a page of text: what, how far, phases, tasks by host, checks, the last events. */
export function rolloutLines(rollout: RolloutDetail, style: Style): string[] {
  const what = rollout.to === null ? '' : `${shortCommit(rollout.to.commit)} ${plain(rollout.to.subject)}`;
  const lines = [
    `${style.bold(rollout.job)}  ${stateWord(rollout.state, style)}  ${kindWords[rollout.kind]}${what}`,
    rollout.headline,
  ];
  if (rollout.forwardOnly !== null) lines.push(`not undone by itself: ${plain(rollout.forwardOnly)}`);
  if (rollout.failure !== null) lines.push(style.bad(rollout.failure));
  if (rollout.hold !== null) lines.push(style.held(`held: ${rollout.hold.reason}`));
  else if (rollout.why !== null) lines.push(rollout.why);
  lines.push(...togetherLines(rollout, style));
  lines.push('', ...rollout.phases.map((phase, i) => phaseLine(phase, i === rollout.currentPhase, style)));
  if (rollout.watch !== null) lines.push(...watchLines(rollout.watch, style));
  lines.push('', ...taskLines(rollout, style));
  const failures = failureLines(rollout, style);
  if (failures.length > 0) lines.push('', ...failures);
  if (rollout.checks.length > 0) lines.push('', ...rollout.checks.map((check) => checkLine(check, style)));
  if (rollout.marks.length > 0) lines.push('', `marked: ${rollout.marks.join(', ')}`);
  const recent = rollout.timeline.slice(0, 5);
  if (recent.length > 0) lines.push('', ...recent.map((event) => style.dim(plain(event.sentence))));
  return lines;
}

/** The rollouts of the other jobs, in the order in which they go. */
function togetherLines({ together, unbarred }: RolloutDetail, style: Style): string[] {
  if (together === null) return [];
  const order = together.waves.map((wave) => wave.join(' + ')).join(' → ');
  const passes = unbarred === null ? '' : `; ${together.name} does not wait: ${plain(unbarred)}`;
  return [
    '',
    style.dim(`together: ${order}, barrier ${together.barrier}${passes}`),
    ...together.members.map(({ name, rollout, state, at, updated, size }) => {
      const pointer = name === together.name ? '▸' : ' ';
      return `${pointer} ${name.padEnd(14)} ${stateWord(state.padEnd(9), style)} ${`${updated} of ${size} tasks`.padEnd(16)} ${at}  ${style.dim(rollout)}`;
    }),
  ];
}

/** After the last phase: until when, and what was found so far. */
function watchLines(watch: NonNullable<RolloutDetail['watch']>, style: Style): string[] {
  const { state, fromMs, untilMs, sentence, earlier, named } = watch;
  const word = state === 'failed' || state === 'failing' ? style.bad(state) : stateWord(state, style);
  const length = formatDuration(untilMs - fromMs);
  const others = earlier.length === 0 ? '' : `, together with ${earlier.join(', ')}`;
  const lines = [`  ${'watch'.padEnd(14)} ${word}  for ${length}${others}  ${style.dim(plain(sentence))}`];
  if (named.length > 0) lines.push(`    tied to ${named.join(' or ')}`);
  return lines;
}

function phaseLine(phase: PhaseView, isCurrent: boolean, style: Style): string {
  const pointer = isCurrent ? '▸' : ' ';
  const members = phase.members.length === 0 ? '' : `${phase.updated} of ${phase.members.length} tasks`;
  const took =
    phase.startedAtMs !== null && phase.endedAtMs !== null ? formatDuration(phase.endedAtMs - phase.startedAtMs) : '';
  const note = phase.passedBy === null ? '' : style.dim(phase.passedBy.note);
  return `${pointer} ${phase.name.padEnd(14)} ${stateWord(phase.state.padEnd(9), style)} ${members.padEnd(16)} ${took.padEnd(9)} ${note}`.trimEnd();
}

function taskLines(rollout: RolloutDetail, style: Style): string[] {
  if (rollout.tasks.length > 120) return [countDots(rollout.tasks.map((task) => task.dot))];
  const hosts = new Map<string, typeof rollout.tasks>();
  for (const task of rollout.tasks) hosts.set(task.host ?? '–', [...(hosts.get(task.host ?? '–') ?? []), task]);
  const width = Math.max(...[...hosts.keys()].map((host) => host.length));
  return [...hosts.entries()]
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(
      ([host, tasks]) =>
        `  ${host.padEnd(width)}  ${renderDots(
          tasks.map((task) => task.dot),
          style,
        )}  ${style.dim(tasks.map((task) => task.index).join(' '))}`,
    );
}

function checkLine(check: CheckView, style: Style): string {
  const mark = check.verdict === 'pass' ? style.good('✓') : check.verdict === 'fail' ? style.bad('✗') : '…';
  return `  ${mark} ${check.check.padEnd(14)} ${stateWord((check.verdict ?? 'waiting').padEnd(9), style)} ${plain(check.sentence)}`;
}
