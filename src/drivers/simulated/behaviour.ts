import type { VersionId } from '../../model/index.ts';

/** How tasks of one version behave in the simulated cluster. All of it is a fact of the world, planted by a scenario. */
export interface Behaviour {
  readonly fetchMs: number;
  readonly startMs: number;
  /** Starts, but never becomes ready. */
  readonly neverReady: boolean;
  /** Exits so long after becoming ready, each time. */
  readonly crashAfterMs: number | undefined;
  /** Share of requests that fail: seen only by a judge. */
  readonly errorRatio: number;
}

export const healthy: Behaviour = {
  fetchMs: 200,
  startMs: 800,
  neverReady: false,
  crashAfterMs: undefined,
  errorRatio: 0,
};

export type Behaviours = (version: VersionId) => Behaviour;
