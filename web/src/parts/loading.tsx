import type { ReactNode } from 'react';
import type { ProblemDocument } from '../../../src/api/index.ts';
import { Sentence } from './sentence.tsx';

/** What stands in for a view until its first snapshot, or instead of it when there is no such thing. */
export function Pending({ problem, what }: { problem: ProblemDocument | undefined; what: string }) {
  if (problem === undefined) {
    return (
      <p className="empty quiet" role="status">
        Reading {what} …
      </p>
    );
  }
  return (
    <ProblemBox
      title={problem.title}
      detail={<Sentence text={problem.detail} />}
      remedy={<Sentence text={problem.remedy} />}
    />
  );
}

export function ProblemBox({ title, detail, remedy }: { title: string; detail: ReactNode; remedy: ReactNode }) {
  return (
    <section className="empty problem" role="alert">
      <h1>{title}</h1>
      <p>{detail}</p>
      <p>{remedy}</p>
    </section>
  );
}
