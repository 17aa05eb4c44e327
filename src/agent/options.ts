import type { HostCapacity } from '../model/index.ts';

/** How an agent is started. Everything it keeps lies below `dataDir`; nothing is global to the machine. */
export interface AgentOptions {
  /** Only this agent's; made with mode 0700 when missing. One running agent per folder. */
  readonly dataDir: string;
  /** The single-use token file. Needed until the host has joined, ignored afterwards. */
  readonly joinFile?: string | undefined;
  /** Asked for when joining; default: the machine's name. Afterwards the host keeps the name it got. */
  readonly host?: string | undefined;
  /** Where tasks listen and are reached: an address of this machine. */
  readonly address: string;
  /** `region`, `rack`, and whatever else placement and screens shall know. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Default: what the machine has. */
  readonly capacity?: Partial<HostCapacity> | undefined;
  /** Rollway's version; the server refuses another one. */
  readonly version: string;
  /** Used before the addresses it joined with. */
  readonly serverAddresses?: readonly string[] | undefined;
  /** true: ending the agent ends its tasks too, in order; the next start brings them back (demo). */
  readonly stopTasks?: boolean | undefined;
  /** Folders that builds must not see, for instance a server's data folder on the same machine. */
  readonly hiddenFolders?: readonly string[] | undefined;
  /** Added to the environment of builds, below what the action itself sets: how this machine reaches the network. */
  readonly buildEnvironment?: Readonly<Record<string, string>> | undefined;
  /** `false`: no cgroups and no sandbox even where the machine has them. */
  readonly confine?: boolean | undefined;
  readonly logMegabytesPerTask?: number | undefined;
  /** One line for a person about what it does. */
  readonly onLog?: ((line: string) => void) | undefined;
  /** Times of its own; defaults suit production. */
  readonly times?: Partial<AgentTimes> | undefined;
}

export interface AgentTimes {
  /** A keeper of a `singleton` that hears of no agent for so long ends its task. */
  readonly leaseMs: number;
  /** A keeper that says nothing for so long is hung: it and its task are killed. */
  readonly keeperSilenceMs: number;
  /** After a start, tasks that died with the machine wait so long for the server's word, then start without it. */
  readonly askMs: number;
  readonly reconnectBaseMs: number;
  readonly reconnectCapMs: number;
  readonly restart: {
    readonly baseMs: number;
    readonly capMs: number;
    readonly maxEnds: number;
    readonly windowMs: number;
    readonly settleMs: number;
  };
}

export const defaultTimes: AgentTimes = {
  leaseMs: 10_000,
  keeperSilenceMs: 20_000,
  askMs: 30_000,
  reconnectBaseMs: 200,
  reconnectCapMs: 5000,
  restart: { baseMs: 100, capMs: 5000, maxEnds: 5, windowMs: 60_000, settleMs: 5000 },
};
