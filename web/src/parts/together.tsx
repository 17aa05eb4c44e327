import { Link } from '@tanstack/react-router';
import type { RolloutDetail } from '../../../src/api/index.ts';
import { StateWord } from './state-word.tsx';

const barrierWords = {
  phase: 'each phase waits for the others',
  job: 'a wave waits for the one before',
  none: 'they do not wait for each other',
} as const;

/** The rollouts of the other jobs that go together with this one: how far each is, in the order of the waves. */
export function Together({ together }: { together: NonNullable<RolloutDetail['together']> }) {
  const order = together.waves.map((wave) => wave.join(' + ')).join(' → ');
  return (
    <section className="together" aria-label="Jobs that go together">
      <p className="quiet small">
        {order}: {barrierWords[together.barrier]}
      </p>
      <table>
        <tbody>
          {together.members.map(({ name, rollout, state, at, updated, size }) => (
            <tr key={rollout} aria-current={name === together.name ? 'true' : undefined}>
              <th scope="row">
                <Link to="/rollouts/$rollout" params={{ rollout }} search={{}}>
                  {name}
                </Link>
              </th>
              <td>
                <StateWord state={state} />
              </td>
              <td className="num">
                {updated} of {size} tasks
              </td>
              <td className="quiet">{at}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
