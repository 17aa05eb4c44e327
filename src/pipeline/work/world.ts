import type { CommitGraphs } from '../../blame/index.ts';
import type { ActionRunner, ConfigReader, GitReader, SourcePacker } from '../ports.ts';

/** What the pipeline's work is handed: the world outside, and a cache that may be thrown away. */
export interface PipelineWorld {
  readonly git: GitReader;
  readonly config: ConfigReader;
  readonly packer: SourcePacker;
  readonly runner: ActionRunner;
  /** Whether this server can take in sources and packages; without it, always. */
  readonly hasRoom?: () => Promise<boolean>;
  /** Shared with `blame/`. */
  readonly graphs: CommitGraphs;
}

/** Work kinds: key = repository, key = service. */
export const pollKind = 'repository/poll';
export const decideKind = 'pipeline/decide';

export const effectKinds = {
  readGit: 'git/read',
  readConfig: 'config/read',
  packSource: 'source/prepare',
  runAction: 'action/run',
  cancelAction: 'action/cancel',
} as const;
