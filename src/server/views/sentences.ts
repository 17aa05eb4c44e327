import { formatDuration } from '../../kit/index.ts';

type Facts = Readonly<Record<string, unknown>>;
type Say = (facts: Facts) => string | undefined;

/** What decisions say in words. An event that is not here is told by its name and its facts. */
export const sentences: Readonly<Record<string, Say>> = {
  'rollout.started': ({ size, firstDeployment, kind }) =>
    `The ${kind === undefined || kind === 'deploy' ? 'rollout' : kind} begins over ${tasks(size)}${firstDeployment === true ? ', for the first time' : ''}.`,
  'rollout.reverting': ({ indices }) => `${capital(tasks(count(indices)))} ${goes(count(indices))} back.`,
  'rollout.reverted': () => 'All touched tasks run the good version again.',
  'rollout.succeeded': ({ kind }) =>
    kind === 'restart' || kind === 'move'
      ? `Done: the ${kind} is through.`
      : 'Done: the new version is good, and the job runs it.',
  'job.restart-asked': ({ reason }) => `A restart was asked for: ${reason}`,
  'job.move-asked': ({ reason }) => `A move was asked for: ${reason}`,
  'job.resize-asked': ({ from, to, reason }) => `From ${from} to ${to} tasks: ${reason}`,
  'job.retire-asked': ({ from, reason }) => `All ${from} tasks are to stop: ${reason}`,
  'rollout.cancelled': ({ why }) => `It never begins: ${why}`,
  'rollout.superseded': ({ why }) =>
    typeof why === 'string' && why.includes('placebo') ? `It ends: ${why}.` : 'A newer release takes over.',
  'rollout.placebo-planned': ({ rollout, tasks: said, bakeMs }) =>
    `Old tasks (${list(said)}) are restarted first and looked at for ${formatDuration(Number(bakeMs))}, to see what a restart alone does: ${rollout}.`,
  'rollout.placebo-handed-on': ({ before }) => `The newer release ${before} waits for it instead.`,
  'rollout.switched': ({ serving }) => `All traffic goes to the second set: ${serving} tasks serve.`,
  'rollout.switched-back': () => 'All traffic goes back to the first set.',
  'rollout.strategy-refused': ({ sentence }) => `${sentence}`,
  'rollout.held': ({ reason, by }) => `Held (${by}): ${reason}`,
  'rollout.commanded': ({ command, reason, count: n, phase }) =>
    `${capital(commandWords(String(command), n ?? phase))}${typeof reason === 'string' && reason !== '' ? `: ${reason}` : '.'}`,
  'rollout.deviated': ({ cause, givenBack, taken, left }) => {
    const kept = count(left) === 0 ? '' : `, ${tasks(count(left))} left for later`;
    return `${capital(tasks(count(givenBack ?? taken)))} ${givenBack === undefined ? 'taken' : 'given back'}${kept}: ${cause}.`;
  },
  'phase.started': ({ phase, members }) =>
    `Phase ${phase} begins: ${tasks(count(members))} ${count(members) === 1 ? 'is' : 'are'} to run the new version.`,
  'phase.updated': ({ phase, serving }) =>
    `Phase ${phase}: ${tasks(serving)} ${serving === 1 ? 'serves' : 'serve'} the new version; it is judged now.`,
  'phase.passed': ({ phase, by, note }) => `Phase ${phase} ${passedWords(by, note)}.`,
  'judge.promised': ({ phases }) =>
    Array.isArray(phases) && phases.length > 0
      ? `What the traffic can show, with 80 % chance: ${phases.map(({ phase, shows }) => `phase ${phase} finds ${shows}`).join('. ')}.`
      : undefined,
  'judge.calibrated': ({ runs, dishonest }) =>
    Array.isArray(dishonest) && dishonest.length > 0
      ? `Of ${runs} rollouts that never were too many alarmed: ${dishonest.join(', ')} may only hold.`
      : `${runs} rollouts that never were: no check alarms more often than it may.`,
  'watch.started': ({ untilMs, earlier }) =>
    `It is watched for slow regressions until ${clockOf(untilMs)}${count(earlier) > 0 ? `, together with ${count(earlier)} before it` : ''}.`,
  'watch.ended': ({ state, by, note }) =>
    state === 'quiet'
      ? `The watch is over: ${note}`
      : `The watch is over: ${by} ${state === 'ended' ? 'took its place' : 'is watched in its place'}.`,
  'watch.failed': ({ sentence, named, trust }) =>
    `After the last phase: ${sentence}${count(named) > 1 ? ` It cannot be told which of ${count(named)} releases it is.` : ''}${trust === 'hold' ? ' The check may only hold.' : ''}`,
  'phase.dropped': ({ phase, why }) => `Phase ${phase} is left out: ${why}.`,
  'controller.acked': ({ operations }) => `The controller acked ${count(operations)}.`,
  'controller.silent': ({ controller, failure }) => `${controller} does not answer: ${failure}. Releases wait.`,
  'controller.withholding': ({ controller, waiting }) => `${controller} acks nothing; ${tasks(waiting)} wait for it.`,
  'controller.recovered': ({ controller }) => `${controller} answers and acks again.`,
  'operation.ended': ({ index, kind, state, outcome, tookMs }) =>
    `Task ${index}: ${kind} ${state}${typeof tookMs === 'number' && state === 'done' ? ` after ${formatDuration(tookMs)}` : ''}${
      typeof outcome === 'string' && outcome !== '' && state !== 'done' ? `: ${capital(outcome)}` : ''
    }.`,
};

function passedWords(by: unknown, note: unknown): string {
  if (by === 'judge') return 'passed: its checks found nothing worse';
  if (by === 'onUndecided') return 'is let through: undecided after its longest bake';
  return `passed: ${String(note).replace(/\.$/, '')}`;
}

function commandWords(command: string, n: unknown): string {
  if (command === 'revert') return 'roll back';
  if (command === 'raise-budget') return `raise the budget to ${n}`;
  if (command === 'hold-after') return `hold after ${n}`;
  return command.replaceAll('-', ' ');
}

function tasks(n: unknown): string {
  return `${Number(n).toLocaleString('en')} ${n === 1 ? 'task' : 'tasks'}`;
}

/** The day matters less than the hour; in the server's zone nobody would know which it is. */
function clockOf(atMs: unknown): string {
  return `${new Date(Number(atMs)).toISOString().slice(11, 16)} UTC`;
}

function goes(n: number): string {
  return n === 1 ? 'goes' : 'go';
}

function count(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function list(said: unknown): string {
  return Array.isArray(said) ? said.join(', ') : '';
}
