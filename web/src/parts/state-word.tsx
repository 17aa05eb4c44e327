import { toneOf } from '../words.ts';

const signs: Readonly<Record<string, string>> = { good: '✓', bad: '✗', held: '‖', busy: '◔', new: '◉', none: '' };

/** A word of state: colour, and a sign of another shape for those who do not see colours. */
export function StateWord({ state }: { state: string }) {
  const tone = toneOf(state);
  return (
    <span className={`state tone-${tone}`}>
      <span aria-hidden="true">{signs[tone]}</span> {state}
    </span>
  );
}
