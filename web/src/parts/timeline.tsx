import { useState } from 'react';
import type { EventView } from '../../../src/api/index.ts';
import { Ago } from './time.tsx';

/** Events, newest first, by a word in them. */
export function Timeline({ events }: { events: readonly EventView[] }) {
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const shown = events.filter((event) =>
    `${event.sentence} ${event.type} ${event.actor.name}`.toLowerCase().includes(wanted),
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
      <ol>
        {shown.map((event) => (
          <li key={event.position}>
            <Ago atMs={event.atMs} /> <span>{event.sentence}</span> <span className="quiet">{event.actor.name}</span>
          </li>
        ))}
      </ol>
      {shown.length === 0 && <p className="quiet">Nothing{wanted === '' ? ' yet' : ' that matches'}.</p>}
    </section>
  );
}
