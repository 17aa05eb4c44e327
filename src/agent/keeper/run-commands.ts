import { setTimeout as sleep } from 'node:timers/promises';
import { beginLife } from './life.ts';
import { endInOrder, exitCard, type Keeping } from './run-task.ts';
import type { CommandsResult, CommandsWork } from './spec.ts';

const summaryLines = 30;
const maxSummaryChars = 6000;

/** Runs an action's commands one after another, once, until one fails, time is up, or it is told to stop. */
export async function runCommands(keeping: Keeping, work: CommandsWork): Promise<void> {
  const { state } = keeping;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), work.timeoutMs);
  let result: CommandsResult = { outcome: 'succeeded', exitCode: 0, summary: '' };
  for (const command of work.commands) {
    result = await runCommand(keeping, work, command, timeout.signal);
    if (result.outcome !== 'succeeded') break;
  }
  clearTimeout(timer);
  state.change({ phase: 'finished', main: null, result });
}

async function runCommand(
  { spec, output, guard, state, stop }: Keeping,
  work: CommandsWork,
  command: readonly string[],
  timeout: AbortSignal,
): Promise<CommandsResult> {
  const name = command.join(' ').slice(0, 500);
  output.add('rollway', `$ ${name}`);
  if (stop.aborted) return { outcome: 'cancelled', exitCode: null, summary: `cancelled before ${name}` };
  const life = beginLife(command, spec, output, guard);
  state.change({ main: life.main ?? null });
  const interrupted = AbortSignal.any([stop, timeout]);
  const whenInterrupted = interrupted.aborted
    ? Promise.resolve('interrupted' as const)
    : new Promise<'interrupted'>((resolve) =>
        interrupted.addEventListener('abort', () => resolve('interrupted'), { once: true }),
      );
  const end = await Promise.race([life.ended, whenInterrupted]);
  if (end === 'interrupted') {
    await endInOrder(life, { signal: 'SIGTERM', graceMs: work.graceMs });
    if (stop.aborted) return { outcome: 'cancelled', exitCode: null, summary: `cancelled during ${name}` };
    const summary = `${name} was stopped: the action may take ${work.timeoutMs / 1000} s in all`;
    return { outcome: 'timed-out', exitCode: null, summary: withLines(summary, output.last(summaryLines)) };
  }
  if (end.code === 0) return { outcome: 'succeeded', exitCode: 0, summary: '' };
  // The last lines are read from the pipes a moment after the exit.
  await sleep(0);
  const { summary } = exitCard(output, end, spec);
  const text = withLines(`${name}: ${summary}`, output.last(summaryLines));
  return { outcome: 'failed', exitCode: end.code, summary: text };
}

function withLines(summary: string, lines: readonly { readonly text: string }[]): string {
  const tail = lines.map(({ text }) => text).join('\n');
  return `${summary}\n${tail.slice(-(maxSummaryChars - summary.length))}`;
}
