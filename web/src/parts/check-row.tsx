import type { CheckView } from '../../../src/api/index.ts';
import { CheckChart, formatLevel } from './check-chart.tsx';
import { IntervalBar } from './interval-bar.tsx';

const verdictSigns = { pass: '✓', fail: '✗', undecided: '…' } as const;

/** One check: both groups over time, the difference with its interval against the limit, the sentence. */
export function CheckRow({ check, width }: { check: CheckView; width: number }) {
  return (
    <article className={`check verdict-${check.verdict ?? 'none'}`} aria-label={`Check ${check.check}`}>
      <header>
        <h3>{check.check}</h3>
        <span className="verdict">
          {check.verdict === null ? 'no verdict yet' : `${verdictSigns[check.verdict]} ${check.verdict}`}
        </span>
      </header>
      {check.series.length > 1 && width > 60 && (
        <CheckChart points={check.series} unit={check.unit} width={width} label={check.check} />
      )}
      <div className="levels num">
        <span>old {formatLevel(check.oldLevel, check.unit)}</span>
        <span>new {formatLevel(check.newLevel, check.unit)}</span>
        <span className="quiet">
          {check.newTasks} against {check.oldTasks} tasks · {Math.round(check.newEvents).toLocaleString('en')} requests
        </span>
      </div>
      <IntervalBar
        estimate={check.estimate}
        interval={check.interval}
        delta={check.delta}
        margin={check.margin}
        verdict={check.verdict}
      />
      <p className="sentence">{check.sentence}</p>
    </article>
  );
}
