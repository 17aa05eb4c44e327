import { useEffect, useMemo, useRef, useState } from 'react';
import type { ActionRunId } from '../../../src/model/index.ts';
import { client, problemOf } from '../client.ts';
import { ansiParts } from './ansi.ts';

const lineHeight = 18;
const height = 360;

/** A run's log as it grows: searchable, in its colours; only the lines in view are drawn. */
export function ActionLogView({ run }: { run: ActionRunId }) {
  const { text, problem } = useActionLog(run);
  const [search, setSearch] = useState('');
  const [top, setTop] = useState(0);
  const box = useRef<HTMLElement>(null);
  const lines = useMemo(() => {
    const all = text.replace(/\n$/, '').split('\n');
    const wanted = search.toLowerCase();
    return wanted === '' ? all : all.filter((line) => line.toLowerCase().includes(wanted));
  }, [text, search]);
  const first = Math.max(0, Math.floor(top / lineHeight) - 10);
  const shown = lines.slice(first, first + Math.ceil(height / lineHeight) + 20);
  // Follows the end, unless somebody scrolled up.
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: when lines are added
  useEffect(() => {
    if (isAtEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lines.length]);
  return (
    <section className="panel" aria-label="Log">
      <div className="panel-head">
        <h3>Log</h3>
        <input
          type="search"
          placeholder="search"
          aria-label="Search the log"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      </div>
      {problem !== undefined && <p className="problem">{problem}</p>}
      <section
        ref={box}
        className="log virtual"
        style={{ height: Math.min(height, Math.max(3, lines.length + 1) * lineHeight) }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
        tabIndex={0}
        aria-label="Lines of the log"
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          setTop(scrollTop);
          isAtEnd.current = scrollTop + clientHeight >= scrollHeight - lineHeight;
        }}
      >
        <div style={{ height: lines.length * lineHeight, position: 'relative' }}>
          {shown.map((line, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line's number is its name
            <div key={first + i} className="log-line" style={{ top: (first + i) * lineHeight }}>
              {ansiParts(line).map((part, j) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: parts of one line have no other name
                <span key={j} className={part.className}>
                  {part.text}
                </span>
              ))}
            </div>
          ))}
        </div>
      </section>
    </section>
  );
}

function useActionLog(run: ActionRunId): { text: string; problem: string | undefined } {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | undefined>();
  useEffect(() => {
    const stop = new AbortController();
    const read = async () => {
      let offset = 0;
      while (!stop.signal.aborted) {
        const page = await client.readActionLog(
          { params: { run }, query: { offset, waitMs: offset > 0 ? 10_000 : 0 } },
          { signal: stop.signal },
        );
        if (page.text !== '') setText((before) => before + page.text);
        offset = page.nextOffset;
        if (page.isComplete && offset >= page.sizeBytes) return;
      }
    };
    read().catch((error) => {
      if (!stop.signal.aborted) setProblem(problemOf(error).detail);
    });
    return () => stop.abort();
  }, [run]);
  return { text, problem };
}
