/**
 * The second judge: is this version good? Compares tasks of the new version with tasks of the old one while both
 * sets keep moving; `pass`, `fail` or `undecided`, never a guess.
 */

export {
  type CalibratedCheck,
  type Calibration,
  type CalibrationRequest,
  calibrate,
  fewestBins as fewestCalibratedBins,
} from './calibrate/calibrate.ts';
export { explainCalibrationTurn } from './calibrate/explain-turn.ts';
export { guardsSeen } from './checks-in-force.ts';
export * from './discover.ts';
export * from './explain-promise.ts';
export * from './finding-book.ts';
export { judge } from './judge.ts';
export * from './kayenta/index.ts';
export * from './ladder.ts';
export * from './load.ts';
export * from './perf/index.ts';
export { learnPlacebo } from './placebo.ts';
export * from './port.ts';
export * from './prometheus-text.ts';
export { type PromisedPhase, promisePhases, promiseWindowMs } from './promise.ts';
export * from './push-memory.ts';
export * from './sample-store.ts';
export * from './samples.ts';
export * from './scrape-deltas.ts';
export * from './source.ts';
export * from './target-memory.ts';
export * from './task-book.ts';
export * from './trust.ts';
export * from './verdict-input.ts';
export { foldStep, type HistoryLevel, type HistoryStep, historyKey } from './watch/history-step.ts';
export { judgeWatch, type WatchPlan } from './watch/judge-watch.ts';
