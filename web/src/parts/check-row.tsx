import type { CheckView } from '../../../src/api/index.ts';
import { counted, percent } from '../words.ts';
import { formatLevel } from './chart-scale.ts';
import { CheckChart } from './check-chart.tsx';
import { ComponentTable } from './component-table.tsx';
import { IntervalBar } from './interval-bar.tsx';
import { Sentence } from './sentence.tsx';

const verdictSigns = { pass: '✓', fail: '✗', undecided: '…' } as const;

interface Props {
  readonly check: CheckView;
  readonly width: number;
  readonly phaseStartsMs: readonly number[];
}

/** One check: both groups over time, the difference with its interval against the limit, what it was seen in. */
export function CheckRow({ check, width, phaseStartsMs }: Props) {
  return (
    <article className={`check verdict-${check.verdict ?? 'none'}`} aria-label={`Check ${check.check}`}>
      <header>
        <h3>
          {check.check} {check.view !== null && <span className="quiet">{check.view}</span>}
        </h3>
        <span className="verdict">
          {check.verdict === null ? 'not looked at yet' : `${verdictSigns[check.verdict]} ${check.verdict}`}
        </span>
      </header>
      {check.series.length > 1 && width > 120 && (
        <CheckChart
          points={check.series}
          unit={check.unit}
          width={width}
          label={check.check}
          phaseStartsMs={phaseStartsMs}
        />
      )}
      {check.verdict !== null && (
        <>
          <dl className="levels num">
            <Level name="old" level={formatLevel(check.oldLevel, check.unit)} tasks={check.oldTasks} />
            <Level name="new" level={formatLevel(check.newLevel, check.unit)} tasks={check.newTasks} />
            <div>
              <dt>in</dt>
              <dd className="quiet">
                {counted(Math.round(check.newEvents), isOfRequests(check) ? 'request' : 'reading')}
              </dd>
            </div>
          </dl>
          {width > 120 && <IntervalBar check={check} width={width} />}
          {check.levelsNote !== null && <p className="quiet small">Note: {check.levelsNote}.</p>}
          <Words check={check} />
          <ComponentTable check={check} />
        </>
      )}
    </article>
  );
}

function Level({ name, level, tasks }: { name: 'old' | 'new'; level: string; tasks: number }) {
  return (
    <div>
      <dt>
        <svg width="18" height="8" aria-hidden="true">
          <path d="M0 4H18" className={`line-${name}`} />
        </svg>{' '}
        {name}
      </dt>
      <dd>
        <strong>{level}</strong> <span className="quiet">{counted(tasks, 'task')}</span>
      </dd>
    </div>
  );
}

/** A failure is told whole; what passes or is open needs a line. */
function Words({ check }: { check: CheckView }) {
  if (check.verdict === 'fail') {
    return (
      <p className="sentence">
        <Sentence text={check.sentence} />
      </p>
    );
  }
  if (check.verdict !== 'undecided' || check.power === null) return null;
  return (
    <p className="sentence" title={check.sentence}>
      Not enough to tell: harm at the limit would have been found with {percent(check.power, 0)} chance.
    </p>
  );
}

function isOfRequests({ unit }: CheckView): boolean {
  return unit === 'ratio' || unit === 'seconds';
}
