/**
 * The published method of Kayenta (`NetflixACAJudge-v1.0`), for those who move over: what a canary configuration says
 * of two sets of numbers, as a kind of check. Plain: no looks, no age curve, no chance of error over all; `docs/judge.md` says what that
 * costs.
 */
export {
  judgeKayenta,
  type KayentaJudged,
  type KayentaSeries,
  readKayenta,
  resultOfKayenta,
  verdictOfKayenta,
} from './check.ts';
export { type ClassifiedMetric, classify, type KayentaClass, type KayentaResult } from './classify.ts';
export { type KayentaConfig, type KayentaMetric, readKayentaConfig } from './config.ts';
export { type KayentaScore, scoreOf } from './score.ts';
export {
  checksOfKayenta,
  scoreOfKayenta,
  type WrittenCheck,
  type WrittenChecks,
  type WrittenScore,
} from './to-checks.ts';
