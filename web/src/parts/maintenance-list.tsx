import { useState } from 'react';
import type { MaintenanceView } from '../../../src/api/index.ts';
import type { MaintenanceId } from '../../../src/model/index.ts';
import { client } from '../client.ts';
import { useMayOperate } from '../live/use-me.ts';
import { ReasonDialog } from './reason-dialog.tsx';
import { Sentence } from './sentence.tsx';

const mostTasks = 8;

/** What is worked on, or will be: how far it is, what still runs there, and why. */
export function MaintenanceList({ entries }: { entries: readonly MaintenanceView[] }) {
  const [asked, setAsked] = useState<{ entry: MaintenanceView; how: 'end' | 'cancel' } | undefined>();
  const mayOperate = useMayOperate();
  if (entries.length === 0) return null;
  return (
    <section className="maintenances" aria-label="Maintenance">
      <h2>Maintenance</h2>
      <ul>
        {entries.map((entry) => (
          <li key={entry.id} data-state={entry.state}>
            <div className="maintenance-head">
              <div>
                <strong>{entry.scope}</strong> <span className="maintenance-state">{entry.state}</span>{' '}
                <Sentence text={entry.sentence} />{' '}
                <span className="quiet">
                  {entry.reason} ({entry.openedBy})
                </span>
                {entry.forced > 0 && <span> {entry.forced} were forced at the deadline.</span>}
              </div>
              {mayOperate === true && (
                <div className="actions">
                  {isBefore(entry) && (
                    <button type="button" className="quiet" onClick={() => setAsked({ entry, how: 'cancel' })}>
                      Cancel it
                    </button>
                  )}
                  <button type="button" onClick={() => setAsked({ entry, how: 'end' })}>
                    End it
                  </button>
                </div>
              )}
            </div>
            {entry.tasks.length > 0 && (
              <ul className="quiet small">
                {entry.tasks.slice(0, mostTasks).map((task) => (
                  <li key={`${task.job}/${task.index}`}>
                    <span className="num">
                      {task.job}/{task.index}
                    </span>{' '}
                    on {task.host} ({task.state}): <Sentence text={task.sentence} />
                  </li>
                ))}
                {entry.tasks.length > mostTasks && <li>and {entry.tasks.length - mostTasks} more</li>}
              </ul>
            )}
          </li>
        ))}
      </ul>
      {asked !== undefined && (
        <ReasonDialog
          title={asked.how === 'end' ? 'End the maintenance' : 'Cancel the maintenance'}
          effect={
            asked.how === 'end'
              ? `${asked.entry.hosts.join(', ')} may be used again; tasks that wait for them come back.`
              : `The work on ${asked.entry.scope} does not take place; what has moved stays where it is.`
          }
          needsReason
          onClose={() => setAsked(undefined)}
          send={async (reason) => {
            const call = { params: { maintenance: asked.entry.id as MaintenanceId }, body: { reason } };
            if (asked.how === 'end') await client.endMaintenance(call);
            else await client.cancelMaintenance(call);
            return undefined;
          }}
        />
      )}
    </section>
  );
}

function isBefore({ state }: MaintenanceView): boolean {
  return state === 'waiting' || state === 'announced' || state === 'leaving' || state === 'empty';
}
