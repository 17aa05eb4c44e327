import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControllerUnderTest, testTaskController } from '../../api/index.ts';
import { callTaskController, sendText } from '../../io/index.ts';
import { ProblemError, problem } from '../../model/index.ts';
import { exitCodes } from '../failure.ts';
import { type GlobalFlags, outputOf } from '../session.ts';

interface Flags extends GlobalFlags {
  readonly tasks: number;
  readonly maxOut?: number;
  readonly job: string;
  readonly bearerFile?: string;
  readonly timeout: number;
}

/** Rehearses with a controller what Rollway does with it; exit code 3 when it breaks a rule. */
export async function run([url = '']: readonly string[], flags: Flags, signal: AbortSignal) {
  const out = outputOf(flags);
  const target = { url: checked(url), timeoutMs: flags.timeout, headers: await headersOf(flags) };
  const controller: ControllerUnderTest = {
    call: (request) => callTaskController(target, request, signal),
    send: (body) => sendText(target, body, signal),
    pause: () => sleep(200, undefined, { signal }),
  };
  const { tasks, maxOut, job } = flags;
  const results = await testTaskController(
    controller,
    { tasks: Math.max(1, tasks), maxOut, job, firstSequence: Date.now() },
    ({ rule, failure }) => {
      if (out.format === 'json') return;
      out.line(
        failure === undefined ? `${out.style.good('✓')} ${rule}` : `${out.style.bad('✗')} ${rule}\n    ${failure}`,
      );
    },
  );
  const broken = results.filter(({ failure }) => failure !== undefined).length;
  out.show({ url, results, passed: broken === 0 }, () => {
    out.line(broken === 0 ? `${results.length} rules kept` : `${broken} of ${results.length} rules broken`);
  });
  return broken === 0 ? undefined : exitCodes.failed;
}

function checked(url: string): string {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url;
  const detail = `"${url}" is no address of a controller.`;
  throw new ProblemError(problem('cli/unclear', detail, {}, 'Give it as http://127.0.0.1:9000/taskcontrol'));
}

async function headersOf({ bearerFile }: Flags): Promise<Record<string, string>> {
  if (bearerFile === undefined) return {};
  const token = await readFile(bearerFile, 'utf8').catch(() => {
    throw new ProblemError(
      problem('cli/unclear', `${bearerFile} cannot be read.`, {}, 'Name the file with the token.'),
    );
  });
  return { Authorization: `Bearer ${token.trim()}` };
}
