import type { Result } from '../model/index.ts';

/** What evaluating a configuration file gave, before it is understood. */
export interface EvaluatedConfig {
  /** Relative to the checkout, e.g. `rollway.config.ts`. */
  readonly file: string;
  readonly content:
    | { readonly kind: 'yaml'; readonly text: string }
    /** The default export of a module, as JSON. */
    | { readonly kind: 'module'; readonly json: string };
  /** Every file of the checkout that took part, sorted: the module and what it imports. */
  readonly files: readonly string[];
}

/**
 * Reads or runs a configuration without trusting it; `io/config-sandbox.ts` does it in a child process that may read
 * the checkout and nothing else (design section 5, "Isolation").
 */
export interface ConfigSandbox {
  /** `path`: relative to the folder; left out = wherever a configuration usually lies. */
  evaluate(folder: string, path?: string, signal?: AbortSignal): Promise<Result<EvaluatedConfig>>;
}

/** Where a configuration is looked for, in this order; two of them in one folder are a mistake. */
export const configFileNames = [
  'rollway.config.ts',
  'rollway.config.mts',
  'rollway.config.js',
  'rollway.config.mjs',
  'rollway.yaml',
  'rollway.yml',
] as const;
