import type { CheckView } from '../../../src/api/index.ts';
import { percent } from '../words.ts';
import { formatLevel } from './chart-scale.ts';

const shown = 6;

/** Where traced requests spend their time, what takes most longer first: it says where, and decides nothing. */
export function ComponentTable({ check: { components, verdict } }: { check: CheckView }) {
  if (components.length === 0) return null;
  return (
    <details className="small" open={verdict === 'fail'}>
      <summary>Where the time goes</summary>
      <table className="num">
        <thead>
          <tr>
            <th scope="col">component</th>
            <th scope="col">old</th>
            <th scope="col">new</th>
            <th scope="col">of what is longer</th>
          </tr>
        </thead>
        <tbody>
          {components.slice(0, shown).map(({ component, oldMean, newMean, shareOfAdded }) => (
            <tr key={component}>
              <th scope="row">{component}</th>
              <td>{formatLevel(oldMean, 'seconds')}</td>
              <td>{formatLevel(newMean, 'seconds')}</td>
              <td>{shareOfAdded === null ? '–' : percent(shareOfAdded, 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="quiet">Means over traced requests.</p>
    </details>
  );
}
