import { Link } from '@tanstack/react-router';
import type { RolloutDetail } from '../../../src/api/index.ts';
import { formatDuration, shortId } from '../words.ts';
import { StateWord } from './state-word.tsx';
import { Ago } from './time.tsx';

/** After the last phase: until when slow regressions are looked for, and what was found so far. */
export function Watch({ watch }: { watch: NonNullable<RolloutDetail['watch']> }) {
  const { state, fromMs, untilMs, sentence, earlier, named } = watch;
  return (
    <section className="watch" aria-label="Watch after the last phase">
      <p>
        Watch: <StateWord state={state} />{' '}
        <span className="quiet">
          for {formatDuration(untilMs - fromMs)}, begun <Ago atMs={fromMs} />
          {earlier.length > 0 && <> together with {links(earlier)}</>}
        </span>
      </p>
      <p className="quiet small">{sentence}</p>
      {named.length > 0 && (
        <p className="small">
          Tied to {links(named)}
          {named.length > 1 && ': it cannot be told which'}
        </p>
      )}
    </section>
  );
}

function links(rollouts: readonly string[]) {
  return rollouts.map((rollout, at) => (
    <span key={rollout}>
      {at > 0 && ', '}
      <Link to="/rollouts/$rollout" params={{ rollout }} search={{}}>
        {shortId(rollout)}
      </Link>
    </span>
  ));
}
