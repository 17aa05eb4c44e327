import {
  type TaskControlRequest,
  type TaskControlResponse,
  taskControlMaxBytes,
  taskControlResponseSchema,
} from '../model/index.ts';

export interface TaskControlTarget {
  readonly url: string;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

export type TaskControlAnswer =
  | { readonly ok: true; readonly reply: TaskControlResponse }
  | { readonly ok: false; readonly failure: string };

/** One call of a TaskController over HTTP: bounded in time and size, no redirects. Failures are words, not throws. */
export async function callTaskController(
  target: TaskControlTarget,
  request: TaskControlRequest,
  signal: AbortSignal,
): Promise<TaskControlAnswer> {
  const body = JSON.stringify(request);
  const answer = await fetchJson(target, { method: 'POST', body }, signal);
  if (!answer.ok) return answer;
  const reply = taskControlResponseSchema.safeParse(answer.value);
  if (reply.success) return { ok: true, reply: reply.data };
  const [issue] = reply.error.issues;
  return {
    ok: false,
    failure: `its answer is not as the protocol has it: ${issue?.path.join('.')}: ${issue?.message}`,
  };
}

/** Sends text as it is and gives the status of the answer, or why there is none. */
export async function sendText(target: TaskControlTarget, body: string, signal: AbortSignal): Promise<number | string> {
  const { url, timeoutMs, headers } = target;
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { ...headers, 'content-type': 'application/json' },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    return failureOf(error);
  }
}

/** Fetches JSON of at most 16 MB within the target's timeout. */
export async function fetchJson(
  { url, timeoutMs, headers }: TaskControlTarget,
  what: { readonly method: 'GET' } | { readonly method: 'POST'; readonly body: string },
  signal: AbortSignal,
): Promise<{ readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: string }> {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      ...what,
      headers: { ...headers, accept: 'application/json', 'content-type': 'application/json' },
      redirect: 'error',
      signal: AbortSignal.any([signal, deadline]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      return { ok: false, failure: `it answered with status ${response.status}` };
    }
    const text = await readBounded(response);
    if (text === undefined) return { ok: false, failure: `its answer is larger than ${taskControlMaxBytes} bytes` };
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    if (deadline.aborted) return { ok: false, failure: `it did not answer within ${timeoutMs} ms` };
    return { ok: false, failure: failureOf(error) };
  }
}

async function readBounded(response: Response): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop closes the connection.
    if (size > taskControlMaxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function failureOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'its answer is not JSON';
  const cause = error instanceof Error ? (error.cause as { code?: unknown; message?: unknown } | undefined) : undefined;
  if (cause?.code === 'ECONNREFUSED') return 'the connection was refused';
  const words = cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
  return `it cannot be reached (${String(words).slice(0, 200)})`;
}
