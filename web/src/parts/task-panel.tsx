import { useEffect, useRef, useState } from 'react';
import type { TaskDot, TaskLog } from '../../../src/api/index.ts';
import type { JobId } from '../../../src/model/index.ts';
import { client, problemOf } from '../client.ts';
import { clock } from '../words.ts';
import { ansiParts } from './ansi.ts';
import { FailureCard } from './failure-card.tsx';
import { TaskPlanButtons } from './task-plan-buttons.tsx';
import { Lasting } from './time.tsx';

const readLogEveryMs = 2000;
const ofOneTask = ['restart', 'move'] as const;

interface Props {
  readonly job: string;
  readonly task: TaskDot;
  readonly word: string;
  readonly nameOf: (version: string) => string;
  readonly onClose: () => void;
}

/** One task: what it is, its failure card, and the end of its log as it grows. */
export function TaskPanel({ job, task, word, nameOf, onClose }: Props) {
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
          {word}
          {task.sinceMs !== null && (
            <>
              {' '}
              for <Lasting fromMs={task.sinceMs} toMs={null} />
            </>
          )}
        </dd>
        <dt>host</dt>
        <dd>{[task.host, task.rack, task.region].filter((part) => part !== null).join(' · ') || 'none yet'}</dd>
        <dt>runs</dt>
        <dd>{task.version === null ? 'nothing' : nameOf(task.version)}</dd>
        <dt>incarnation</dt>
        <dd className="num">
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
      <TaskPlanButtons job={job as JobId} size={1} tasks={[task.index]} wishes={ofOneTask} />
      {task.failure !== null && <FailureCard failure={task.failure} />}
      <TaskLogView key={task.index} job={job as JobId} index={task.index} />
    </section>
  );
}

/** The last lines of a task, each with its time; follows the end, unless somebody scrolled up. */
function TaskLogView({ job, index }: { job: JobId; index: number }) {
  const { lines, note } = useTaskLog(job, index);
  const box = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: when lines are added
  useEffect(() => {
    if (isAtEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <>
      <h3>Log</h3>
      <section
        ref={box}
        className="log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
        tabIndex={0}
        aria-label={`Log of task ${index}`}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 18;
        }}
      >
        {note !== undefined && <p className="quiet">{note}</p>}
        {lines.map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
          <div key={i} className={`row stream-${line.stream}`}>
            <time title={new Date(line.atMs).toLocaleString()}>{clock(line.atMs)}</time>
            <span>
              {ansiParts(line.text).map((part, j) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: parts of one line have no other name
                <span key={j} className={part.className}>
                  {part.text}
                </span>
              ))}
            </span>
          </div>
        ))}
      </section>
    </>
  );
}

function useTaskLog(job: JobId, index: number): { lines: TaskLog['lines']; note: string | undefined } {
  const [log, setLog] = useState<{ lines: TaskLog['lines']; note: string | undefined }>({
    lines: [],
    note: 'Reading …',
  });
  useEffect(() => {
    const stop = new AbortController();
    const read = async () => {
      if (document.hidden) return;
      try {
        const { lines, note } = await client.readTaskLog(
          { params: { job, index }, query: { lines: 200 } },
          { signal: stop.signal },
        );
        setLog({ lines, note: lines.length > 0 ? undefined : (note ?? 'It has written nothing.') });
      } catch (error) {
        if (!stop.signal.aborted) setLog(({ lines }) => ({ lines, note: problemOf(error).detail }));
      }
    };
    void read();
    const timer = setInterval(() => void read(), readLogEveryMs);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [job, index]);
  return log;
}
