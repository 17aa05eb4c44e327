import type { CgroupBackend } from '../io/cgroup.ts';
import type { Chance } from '../kit/index.ts';
import type { Contact } from './contact.ts';
import type { Folders } from './folders.ts';
import type { Memory } from './memory.ts';
import type { AgentOptions, AgentTimes } from './options.ts';
import type { Outbox } from './outbox.ts';
import type { Packages } from './packages.ts';

/** What this host can confine processes with. */
export interface Confinement {
  readonly cgroups: CgroupBackend | undefined;
  /** Words before an action's command, given its folder. */
  readonly sandboxForAction: (folder: string) => readonly string[];
  /** The same for a task, given the folder of its index and its package. */
  readonly sandboxForTask: (folder: string, packageFolder: string) => readonly string[];
  readonly abilities: readonly string[];
}

/** What the pieces of one agent share. */
export interface Parts {
  readonly options: AgentOptions;
  readonly times: AgentTimes;
  readonly host: string;
  readonly folders: Folders;
  readonly memory: Memory;
  readonly outbox: Outbox;
  readonly contact: Contact;
  readonly packages: Packages;
  readonly confinement: Confinement;
  readonly chance: Chance;
  readonly maxLogBytes: number;
  /** Aborted when the agent ends. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}
