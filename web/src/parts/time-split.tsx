import type { RolloutDetail } from '../../../src/api/index.ts';
import { formatDuration } from '../words.ts';

const words = [
  ['waitingMs', 'waiting'],
  ['updatingMs', 'updating'],
  ['blockedMs', 'blocked'],
  ['judgingMs', 'judging'],
  ['watchingMs', 'watched'],
  ['heldMs', 'held'],
  ['revertingMs', 'reverting'],
] as const;

/** Where the time went so far. */
export function TimeSplit({ split }: { split: RolloutDetail['timeSplit'] }) {
  const shown = words.filter(([key]) => split[key] >= 1000);
  if (shown.length === 0) return null;
  return (
    <p className="quiet num small">
      Time so far: {shown.map(([key, word]) => `${word} ${formatDuration(split[key])}`).join(' · ')}
    </p>
  );
}
