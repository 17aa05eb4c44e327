import type { TaskDot } from '../../../src/api/index.ts';

/** What a person looks for first when a task failed: why, the probe, the last lines. */
export function FailureCard({ failure }: { failure: NonNullable<TaskDot['failure']> }) {
  const end = failure.exitCode === null ? failure.signal : `exit code ${failure.exitCode}`;
  return (
    <section className="failure" aria-label="Failure card">
      <p>
        <strong>{failure.reason}</strong>: {failure.summary}
        {end !== null && <> ({end})</>}
      </p>
      {failure.probe !== null && (
        <p>
          probe <code>{failure.probe.request}</code> → <code>{failure.probe.answer}</code>
        </p>
      )}
      {failure.lastLogLines.length > 0 && <pre>{failure.lastLogLines.join('\n')}</pre>}
    </section>
  );
}
