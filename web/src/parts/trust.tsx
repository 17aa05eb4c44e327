import { Link } from '@tanstack/react-router';
import { useCallback, useEffect, useState } from 'react';
import type { AlarmView, CalibrationTurnView, TrustView } from '../../../src/api/index.ts';
import { client, once, problemOf } from '../client.ts';
import { shortId } from '../words.ts';
import { CopyId } from './copy-id.tsx';
import { Ago } from './time.tsx';

/** How far each check is trusted and what it has earned; alarms that nobody has called right or wrong yet. */
export function Trust({ service }: { service: string }) {
  const [record, setRecord] = useState<{
    items: readonly TrustView[];
    alarms: readonly AlarmView[];
    calibrations: readonly CalibrationTurnView[];
  }>();
  const [problem, setProblem] = useState<string>();
  const load = useCallback(async () => {
    try {
      setRecord(await client.getTrustRecord({ params: { service } }));
    } catch (error) {
      setProblem(problemOf(error).detail);
    }
  }, [service]);
  useEffect(() => void load(), [load]);
  const label = async (alarm: AlarmView, isTrue: boolean) => {
    try {
      await client.labelVerdict({ params: { rollout: alarm.rollout }, body: { isTrue } }, once());
      setProblem(undefined);
      await load();
    } catch (error) {
      const { title, detail, remedy } = problemOf(error);
      setProblem(`${title}: ${detail}. ${remedy}`);
    }
  };
  if (record === undefined || record.items.length === 0) return null;
  const proposed = record.items.filter(({ proposal }) => proposal !== null);
  const open = record.alarms.filter((alarm) => alarm.label === null);
  return (
    <section aria-label="Trust in the checks" className="trust">
      <h2>Trust in the checks</h2>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {proposed.map((one) => (
        <Proposal key={`${one.job} ${one.check}`} record={one} />
      ))}
      <ul className="plain">
        {record.items.map(({ job, check, sentence, calibration }) => (
          <li key={`${job} ${check}`} className="quiet small">
            {job}: {sentence}
            {calibration !== null && (
              <span className={calibration.isHonest ? '' : 'problem'}> {calibration.sentence}</span>
            )}
          </li>
        ))}
        {record.calibrations.map(({ job, sentence }) => (
          <li key={`tried ${job}`} className="quiet small">
            {job}: {sentence}
          </li>
        ))}
      </ul>
      {open.length > 0 && <h3>Alarms: was the judge right?</h3>}
      {open.map((alarm) => (
        <div key={alarm.rollout} className="line">
          <Link to="/rollouts/$rollout" params={{ rollout: alarm.rollout }} search={{}}>
            {shortId(alarm.rollout)}
          </Link>
          <span className="quiet">
            {alarm.checks.join(', ')}, <Ago atMs={alarm.atMs} />: {alarm.sentence}
          </span>
          <button type="button" onClick={() => void label(alarm, true)} title="The version was worse">
            Right
          </button>
          <button type="button" onClick={() => void label(alarm, false)} title="The version was fine">
            Wrong
          </button>
        </div>
      ))}
    </section>
  );
}

/** Trust stands in the configuration of a commit: what there is to do can be copied, and is done by the next one. */
function Proposal({ record: { check, proposal, sentence } }: { record: TrustView }) {
  const text = `checks: { ${JSON.stringify(check)}: { trust: '${proposal}' } },`;
  return (
    <div className="line">
      <span>{sentence}</span>
      <CopyId id={text} />
    </div>
  );
}
