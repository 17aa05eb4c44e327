import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import type { DotState, RolloutDetail } from '../../../src/api/index.ts';
import type { RolloutId } from '../../../src/model/index.ts';
import { useTopic } from '../live/use-topic.ts';
import { CheckRow } from '../parts/check-row.tsx';
import { VersionLine } from '../parts/commit.tsx';
import { dotWords } from '../parts/dots.tsx';
import { FailureBanner } from '../parts/failure-banner.tsx';
import { Legend } from '../parts/legend.tsx';
import { Pending } from '../parts/loading.tsx';
import { Phases } from '../parts/phases.tsx';
import { RolloutButtons } from '../parts/rollout-buttons.tsx';
import { Sentence } from '../parts/sentence.tsx';
import { StateWord } from '../parts/state-word.tsx';
import { TaskField } from '../parts/task-field.tsx';
import { TaskPanel } from '../parts/task-panel.tsx';
import { Ago } from '../parts/time.tsx';
import { TimeSplit } from '../parts/time-split.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { Together } from '../parts/together.tsx';
import { useTitle } from '../parts/use-title.ts';
import { useWidth } from '../parts/use-width.ts';
import { Watch } from '../parts/watch.tsx';
import { short, shortId } from '../words.ts';

/** The screen people keep open. */
export function RolloutScreen({ rollout: id, task }: { rollout: string; task: number | undefined }) {
  const { data: rollout, problem } = useTopic(`rollout/${id as RolloutId}`);
  useTitle(rollout === undefined ? 'Rollout' : `${rollout.service} ${rollout.environment} ${rollout.state}`);
  if (rollout === undefined) return <Pending problem={problem} what="the rollout" />;
  return <Rollout rollout={rollout} task={task} />;
}

function Rollout({ rollout, task }: { rollout: RolloutDetail; task: number | undefined }) {
  const { id, tasks } = rollout;
  const navigate = useNavigate();
  const choose = useCallback(
    (index: number | undefined) =>
      void navigate({
        to: '/rollouts/$rollout',
        params: { rollout: id },
        search: index === undefined ? {} : { task: index },
        replace: true,
        resetScroll: false,
      }),
    [navigate, id],
  );
  const [fieldRef, fieldWidth] = useWidth<HTMLDivElement>();
  const counts = useMemo(() => {
    const found = new Map<DotState, number>();
    for (const { dot } of tasks) found.set(dot, (found.get(dot) ?? 0) + 1);
    return found;
  }, [tasks]);
  const nameOf = useVersionNames(rollout);
  const isOver = rollout.endedAtMs !== null;
  const isBack = tasks.every(({ dot, version }) => dot !== 'old' || rollout.from.some(({ id }) => id === version));
  const old = isBack ? 'old version, serving' : 'another version, serving';
  const words = isOver ? { ...dotWords, old, new: 'this version, serving' } : dotWords;
  const chosen = tasks.find((each) => each.index === task);
  return (
    <div className="rollout">
      <Head rollout={rollout} />
      <div className="columns">
        <section className="field-column" aria-label="Phases and tasks">
          <p className="headline num">{rollout.headline}</p>
          {rollout.forwardOnly !== null && <p className="quiet">Not undone by itself: {rollout.forwardOnly}</p>}
          {rollout.together !== null && <Together together={rollout.together} />}
          <Phases phases={rollout.phases} current={isOver ? -1 : rollout.currentPhase} />
          {rollout.watch !== null && <Watch watch={rollout.watch} />}
          <div ref={fieldRef}>
            {fieldWidth > 0 && (
              <TaskField
                tasks={tasks}
                width={fieldWidth}
                currentPhase={isOver ? -1 : rollout.currentPhase}
                chosen={task}
                words={words}
                nameOf={nameOf}
                onChoose={choose}
              />
            )}
          </div>
          <Legend counts={counts} words={words} />
          {isOver && <p className="quiet small">This rollout is over: its tasks are shown as they are now.</p>}
          <TimeSplit split={rollout.timeSplit} />
          {chosen !== undefined && (
            <TaskPanel
              job={rollout.job}
              task={chosen}
              word={words[chosen.dot]}
              nameOf={nameOf}
              onClose={() => choose(undefined)}
            />
          )}
        </section>
        <Checks rollout={rollout} />
        <Timeline events={rollout.timeline} />
      </div>
    </div>
  );
}

/** `641720e3 Greet visitors` for the versions this rollout is about. */
function useVersionNames({ to, from }: RolloutDetail): (version: string) => string {
  return useMemo(() => {
    const known = [...(to === null ? [] : [to]), ...from];
    const names = new Map(known.map(({ id, commit, subject }) => [id as string, `${short(commit)} ${subject}`]));
    return (version) => names.get(version) ?? shortId(version);
  }, [to, from]);
}

function Checks({ rollout: { checks, verdict, phases } }: { rollout: RolloutDetail }) {
  const [ref, width] = useWidth<HTMLElement>();
  const starts = phases.flatMap(({ startedAtMs }) => (startedAtMs === null ? [] : [startedAtMs]));
  const startsKey = starts.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same times are the same list
  const phaseStartsMs = useMemo(() => starts, [startsKey]);
  const sorted = useMemo(() => [...checks].sort((a, b) => (a.check < b.check ? -1 : 1)), [checks]);
  return (
    <aside className="check-column" ref={ref} aria-label="Checks">
      <h2>
        Checks{' '}
        {verdict !== null && (
          <span className="quiet small">
            looked at <Ago atMs={verdict.atMs} />
          </span>
        )}
      </h2>
      {checks.length === 0 && (
        <p className="quiet">
          Basic checks only: starts, exits, readiness and restarts are watched; nothing is measured.
        </p>
      )}
      {sorted.map((check) => (
        <CheckRow key={check.check} check={check} width={width} phaseStartsMs={phaseStartsMs} />
      ))}
    </aside>
  );
}

/** What it is and how it stands, in the first two lines; what failed, and what was done about it. */
function Head({ rollout }: { rollout: RolloutDetail }) {
  const { hold, why, from, to } = rollout;
  return (
    <header className="head">
      <div>
        <h1>
          <Link to="/services/$service" params={{ service: rollout.service }} className="plain">
            {rollout.service}
          </Link>{' '}
          <span className="quiet">
            {rollout.environment} {rollout.together?.name}
          </span>{' '}
          <StateWord state={rollout.state} />
        </h1>
        <p className="line">
          {rollout.kind !== 'deploy' && <span>{kindWords[rollout.kind]}</span>} <VersionLine version={to} />
          {from.length > 0 && (
            <span className="quiet">
              from {from.map(({ commit, subject }) => `${short(commit)} ${subject}`).join(', ')}
            </span>
          )}
          <span className="quiet">
            by {rollout.createdBy.name.replace(/^rollway\//, 'the ')} <Ago atMs={rollout.createdAtMs} />
          </span>
        </p>
        {rollout.failure !== null && <FailureBanner rollout={rollout} />}
        {hold !== null && (
          <p className="held">
            <strong>‖ Held</strong> <Sentence text={hold.reason} />{' '}
            <span className="quiet">
              {hold.by} · <Ago atMs={hold.sinceMs} />
              {hold.ends !== null && (
                <>
                  {' '}
                  · {hold.ends.do}s by itself <Ago atMs={hold.ends.atMs} />
                </>
              )}
            </span>
          </p>
        )}
        {hold === null && why !== null && (
          <p className="why">
            <Sentence text={why} />
          </p>
        )}
      </div>
      <RolloutButtons rollout={rollout} />
    </header>
  );
}

const kindWords = { rollback: 'back to', restart: 'restart of', move: 'move of' } as const;
