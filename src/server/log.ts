/** One JSON line per fact worth a line, on standard error. Never secrets: facts are ids and numbers. */
export interface Log {
  info(what: string, facts?: Readonly<Record<string, unknown>>): void;
  error(what: string, error: unknown, facts?: Readonly<Record<string, unknown>>): void;
}

export function createLog(write: (line: string) => void, nowMs: () => number): Log {
  const line = (level: string, what: string, facts: Readonly<Record<string, unknown>>) =>
    write(`${JSON.stringify({ at: new Date(nowMs()).toISOString(), level, what, ...facts })}\n`);
  return {
    info: (what, facts = {}) => line('info', what, facts),
    error(what, error, facts = {}) {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      line('error', what, { ...facts, message, stack, ...causesOf(error) });
    },
  };
}

function causesOf(error: unknown): { causes?: string[] } {
  const causes: string[] = [];
  for (let cause = error instanceof Error ? error.cause : undefined; cause instanceof Error; cause = cause.cause) {
    causes.push(cause.message);
  }
  return causes.length > 0 ? { causes } : {};
}

/** For tests and callers that do not want to hear anything. */
export const silentLog: Log = { info() {}, error() {} };
