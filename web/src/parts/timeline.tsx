import { memo, useMemo, useState } from 'react';
import type { EventView } from '../../../src/api/index.ts';
import { counted } from '../words.ts';
import { Sentence } from './sentence.tsx';
import { Ago } from './time.tsx';

interface Entry {
  readonly event: EventView;
  readonly text: string;
  /** So many events in a row that say the same; this is the newest. */
  readonly times: number;
}

/** Events, newest first, by a word in them; looks of the judge that change nothing are one line. */
export function Timeline({ events }: { events: readonly EventView[] }) {
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const entries = useMemo(() => entriesOf(events), [events]);
  const shown = entries.filter(({ event, text: own }) =>
    `${own} ${event.sentence} ${event.type} ${event.actor.name}`.toLowerCase().includes(wanted),
  );
  return (
    <section className="timeline" aria-label="Timeline">
      <div className="panel-head">
        <h2>Timeline</h2>
        <input
          type="search"
          placeholder="filter"
          aria-label="Filter the timeline"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <ol tabIndex={0} aria-label="Events, newest first">
        {shown.map((entry) => (
          <Line key={entry.event.position} entry={entry} />
        ))}
      </ol>
      {shown.length === 0 && <p className="quiet">Nothing{wanted === '' ? ' yet' : ' that matches'}.</p>}
    </section>
  );
}

const Line = memo(function Line({ entry: { event, text, times } }: { entry: Entry }) {
  return (
    <li className={toneOf(event)}>
      <span className="who">
        <Ago atMs={event.atMs} />
      </span>
      <span className="who by">{event.actor.name.replace(/^rollway\//, '')}</span>
      <span title={text === event.sentence ? undefined : event.sentence}>
        <Sentence text={text} />
        {times > 1 && <span className="quiet"> · {counted(times, 'look')}</span>}
      </span>
    </li>
  );
});

function entriesOf(events: readonly EventView[]): Entry[] {
  const entries: Entry[] = [];
  for (const event of events) {
    const text = textOf(event);
    const last = entries.at(-1);
    const isSame =
      event.type === 'judge.looked' && last?.event.type === event.type && wordsOf(last.event) === wordsOf(event);
    if (isSame && last !== undefined) entries[entries.length - 1] = { ...last, times: last.times + 1 };
    else entries.push({ event, text, times: 1 });
  }
  return entries;
}

/** Of a look that fails, the sentence; of others, each check with its verdict. */
function textOf(event: EventView): string {
  if (event.type !== 'judge.looked' || event.data.verdict === 'fail') return event.sentence;
  return wordsOf(event);
}

function wordsOf({ data, sentence }: EventView): string {
  const checks = Array.isArray(data.perCheck) ? (data.perCheck as { check: string; verdict: string }[]) : [];
  if (checks.length === 0) return sentence;
  const phase = typeof data.phase === 'string' ? `Phase ${data.phase}: ` : '';
  return `${phase}${[...checks]
    .sort((a, b) => (a.check < b.check ? -1 : 1))
    .map(({ check, verdict }) => `${check} ${verdict}`)
    .join(', ')}`;
}

function toneOf({ type, data }: EventView): string {
  if (type === 'rollout.failed' || data.verdict === 'fail') return 'bad';
  if (type === 'rollout.held' || type === 'rollout.commanded') return 'held';
  return '';
}
