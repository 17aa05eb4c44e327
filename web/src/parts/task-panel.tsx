import { useEffect, useState } from 'react';
import type { TaskDot } from '../../../src/api/index.ts';
import type { JobId } from '../../../src/model/index.ts';
import { client, problemOf } from '../client.ts';
import { CopyId } from './copy-id.tsx';
import { dotWords } from './dots.tsx';
import { FailureCard } from './failure-card.tsx';
import { Ago } from './time.tsx';

const readLogEveryMs = 2000;

/** One task: what it is, its failure card, and the end of its log as it grows. */
export function TaskPanel({ job, task, onClose }: { job: string; task: TaskDot; onClose: () => void }) {
  const lines = useTaskLog(job as JobId, task.index);
  const ports = Object.entries(task.ports);
  return (
    <section className="panel" aria-label={`Task ${task.index}`}>
      <div className="panel-head">
        <h2>Task {task.index}</h2>
        <button type="button" className="quiet" onClick={onClose}>
          Close
        </button>
      </div>
      <dl className="facts">
        <dt>state</dt>
        <dd>
          {dotWords[task.dot]}
          {task.sinceMs !== null && (
            <>
              , <Ago atMs={task.sinceMs} />
            </>
          )}
        </dd>
        <dt>host</dt>
        <dd>{[task.host, task.rack, task.region].filter((part) => part !== null).join(' · ') || 'none yet'}</dd>
        <dt>runs</dt>
        <dd>{task.version === null ? 'nothing' : <CopyId id={task.version} />}</dd>
        <dt>incarnation</dt>
        <dd>
          {task.incarnation}, life {task.life}
        </dd>
        {ports.length > 0 && (
          <>
            <dt>answers on</dt>
            <dd>
              {ports.map(([name, port]) => (
                <code key={name}>
                  {task.address}:{port}{' '}
                </code>
              ))}
            </dd>
          </>
        )}
      </dl>
      {task.failure !== null && <FailureCard failure={task.failure} />}
      <h3>Log</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <section className="log" tabIndex={0} aria-label={`Log of task ${task.index}`}>
        <pre>{lines}</pre>
      </section>
    </section>
  );
}

function useTaskLog(job: JobId, index: number): string {
  const [text, setText] = useState('Reading …');
  useEffect(() => {
    let isCurrent = true;
    const read = async () => {
      if (document.hidden) return;
      try {
        const log = await client.readTaskLog({ params: { job, index }, query: { lines: 200 } });
        if (isCurrent) setText(log.lines.map((line) => line.text).join('\n') || 'It has written nothing.');
      } catch (error) {
        if (isCurrent) setText(problemOf(error).detail);
      }
    };
    void read();
    const timer = setInterval(() => void read(), readLogEveryMs);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [job, index]);
  return text;
}
