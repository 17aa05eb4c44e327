import type { PhaseView } from '../../../src/api/index.ts';
import { StateWord } from './state-word.tsx';
import { Lasting } from './time.tsx';

/** The phases from left to right; the current one is marked. */
export function Phases({ phases, current }: { phases: readonly PhaseView[]; current: number }) {
  return (
    <ol className="phases">
      {phases.map((phase, i) => (
        <li
          key={phase.name}
          aria-current={i === current ? 'step' : undefined}
          className={i === current ? 'current' : ''}
        >
          <div className="line">
            <strong>{phase.name}</strong> <StateWord state={phase.state} />
          </div>
          <div className="num quiet">
            {phase.members.length === 0 ? 'not started' : `${phase.updated} of ${phase.members.length} tasks`}
            {phase.startedAtMs !== null && (
              <>
                {' · '}
                <Lasting fromMs={phase.startedAtMs} toMs={phase.endedAtMs} />
              </>
            )}
          </div>
          {phase.passedBy !== null && <div className="note">{phase.passedBy.note}</div>}
        </li>
      ))}
    </ol>
  );
}
