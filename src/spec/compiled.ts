import type { ServiceSpec } from '../model/index.ts';

/**
 * Who set one value of the canonical form: `base` < `kind server` < `template fast` < `service` < `environment
 * staging`; `derived` follows from other values.
 */
export interface Origin {
  /** `task.drainMs`, `environments.production.budget`, `pipeline.actions.deploy-production.plan.phases.all.minBakeMs` */
  readonly path: string;
  readonly value: unknown;
  readonly layer: string;
}

/** A configuration, understood: the canonical form and where everything in it comes from. */
export interface CompiledConfig {
  readonly spec: ServiceSpec;
  /** SHA-256 of the canonical JSON. */
  readonly hash: string;
  /** One for each value of `spec`, sorted by path. */
  readonly origins: readonly Origin[];
  readonly file: string;
  /** All files that took part in making it. */
  readonly files: readonly string[];
}
