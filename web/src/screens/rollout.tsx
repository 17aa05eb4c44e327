import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import type { DotState, LegalCommand, RolloutDetail } from '../../../src/api/index.ts';
import type { RolloutId } from '../../../src/model/index.ts';
import { client, once } from '../client.ts';
import { useTopic } from '../live/use-topic.ts';
import { CheckRow } from '../parts/check-row.tsx';
import { VersionLine } from '../parts/commit.tsx';
import { Legend } from '../parts/legend.tsx';
import { Pending } from '../parts/loading.tsx';
import { Phases } from '../parts/phases.tsx';
import { ReasonDialog } from '../parts/reason-dialog.tsx';
import { StateWord } from '../parts/state-word.tsx';
import { TaskField } from '../parts/task-field.tsx';
import { TaskPanel } from '../parts/task-panel.tsx';
import { TimeSplit } from '../parts/time-split.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { useWidth } from '../parts/use-width.ts';
import { isTyping } from '../shell.tsx';
import { counted } from '../words.ts';

const commandWords: Readonly<Record<LegalCommand['command'], string>> = {
  pause: 'Pause',
  resume: 'Resume',
  abort: 'Abort',
  revert: 'Roll back',
  promote: 'Promote',
  'skip-bake': 'Skip the bake',
  'raise-budget': 'Raise the budget',
};
/** Commands that have a button; the others are for the command line. */
const buttons: readonly LegalCommand['command'][] = ['pause', 'resume', 'promote', 'skip-bake', 'revert'];

/** The screen people keep open. */
export function RolloutScreen({ rollout: id, task }: { rollout: string; task: number | undefined }) {
  const { data: rollout, problem } = useTopic(`rollout/${id as RolloutId}`);
  if (rollout === undefined) return <Pending problem={problem} what="the rollout" />;
  return <Rollout rollout={rollout} task={task} />;
}

function Rollout({ rollout, task }: { rollout: RolloutDetail; task: number | undefined }) {
  const [asked, setAsked] = useState<LegalCommand | undefined>();
  const navigate = useNavigate();
  const choose = (index: number | undefined) =>
    void navigate({
      to: '/rollouts/$rollout',
      params: { rollout: rollout.id },
      search: index === undefined ? {} : { task: index },
      replace: true,
      resetScroll: false,
    });
  useCommandKeys(rollout.commands, setAsked);
  const [fieldRef, fieldWidth] = useWidth<HTMLDivElement>();
  const [checksRef, checksWidth] = useWidth<HTMLElement>();
  const dots = useMemo(() => new Set<DotState>(rollout.tasks.map((each) => each.dot)), [rollout.tasks]);
  const chosen = rollout.tasks.find((each) => each.index === task);
  return (
    <div className="rollout">
      <Head rollout={rollout} onAsk={setAsked} />
      <div className="columns">
        <div className="main-column">
          <p className="headline num">{rollout.headline}</p>
          <Phases phases={rollout.phases} current={rollout.currentPhase} />
          <div ref={fieldRef}>
            {fieldWidth > 0 && <TaskField tasks={rollout.tasks} width={fieldWidth} chosen={task} onChoose={choose} />}
          </div>
          <Legend dots={dots} />
          {chosen !== undefined && <TaskPanel job={rollout.job} task={chosen} onClose={() => choose(undefined)} />}
          <TimeSplit split={rollout.timeSplit} />
        </div>
        <aside className="side-column" ref={checksRef} aria-label="Checks and timeline">
          <h2>Checks</h2>
          {rollout.verdict !== null && <p className="sentence">{rollout.verdict.sentence}</p>}
          {rollout.checks.length === 0 && (
            <p className="quiet">
              Basic checks only: starts, exits, readiness and restarts are watched; nothing is measured.
            </p>
          )}
          {rollout.checks.map((check) => (
            <CheckRow key={check.check} check={check} width={checksWidth} />
          ))}
          <Timeline events={rollout.timeline} />
        </aside>
      </div>
      {asked !== undefined && (
        <ReasonDialog
          title={commandWords[asked.command]}
          effect={asked.effect}
          needsReason={asked.needsReason}
          onClose={() => setAsked(undefined)}
          send={(reason) =>
            client.commandRollout(
              {
                params: { rollout: rollout.id },
                body: { command: asked.command, ...(reason === '' ? {} : { reason }) },
              },
              { ...once(), ifMatch: rollout.etag },
            )
          }
        />
      )}
    </div>
  );
}

/** What it is and how it stands, in the first two lines; what failed, since when, and what was done about it. */
function Head({ rollout, onAsk }: { rollout: RolloutDetail; onAsk: (command: LegalCommand) => void }) {
  const touched = rollout.tasks.filter((each) => each.dot === 'new').length;
  return (
    <header className="rollout-head">
      <div>
        <h1>
          <Link to="/services/$service" params={{ service: rollout.service }}>
            {rollout.service}
          </Link>{' '}
          <span className="quiet">{rollout.environment}</span> <StateWord state={rollout.state} />
        </h1>
        <p>
          {rollout.kind === 'rollback' ? 'back to ' : 'to '}
          {rollout.release === null ? (
            <VersionLine version={rollout.to} />
          ) : (
            <>
              <VersionLine version={rollout.to} />{' '}
              <Link to="/releases/$release" params={{ release: rollout.release }}>
                release
              </Link>
            </>
          )}
        </p>
        {rollout.failure !== null && (
          <p className="problem" role="alert">
            {rollout.failure}
            {touched > 0 ? ` – ${counted(touched, 'task')} still on it` : ' – no task runs it any more'}
            {rollout.marks.map((mark) => (
              <span key={mark}>
                {' · '}
                <Link to="/marks/$mark" params={{ mark }}>
                  the commit is marked
                </Link>
              </span>
            ))}
          </p>
        )}
        {rollout.hold !== null && <p className="held">Held: {rollout.hold.reason}</p>}
        {rollout.hold === null && rollout.why !== null && <p className="why">{rollout.why}</p>}
      </div>
      <div className="actions">
        {buttons.flatMap((name) => {
          const command = rollout.commands.find((each) => each.command === name);
          return command === undefined
            ? []
            : [
                <button
                  key={name}
                  type="button"
                  className={name === 'revert' ? 'danger' : ''}
                  title={command.effect}
                  onClick={() => onAsk(command)}
                >
                  {commandWords[name]}
                </button>,
              ];
        })}
      </div>
    </header>
  );
}

function useCommandKeys(commands: readonly LegalCommand[], ask: (command: LegalCommand) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const name = { p: 'pause', r: 'resume' }[event.key];
      const command = commands.find((each) => each.command === name);
      if (command !== undefined) ask(command);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [commands, ask]);
}
