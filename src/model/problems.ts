/**
 * The catalogue of problems: code → HTTP status, title, what to do next. The docs page, the API's problem
 * documents and the command's messages are made from it. Codes read `<area>/<what>`; add one here before using it.
 */
export interface CatalogueEntry {
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
}

const entry = (status: number, title: string, remedy: string): CatalogueEntry => ({ status, title, remedy });

export const catalogue = {
  // the edge
  'api/bad-request': entry(400, 'The request is malformed', 'Compare it with the API reference at /api/openapi.json.'),
  'api/not-found': entry(404, 'There is no such thing here', 'Check the name; list what exists with `rollway status`.'),
  'api/method-not-allowed': entry(405, 'This address does not take that method', 'See the API reference.'),
  'api/too-large': entry(413, 'The request body is too large', 'Send less at once.'),
  'api/conflict': entry(409, 'Somebody changed this first', 'Read it again and repeat the command.'),
  'api/internal': entry(500, 'Rollway made a mistake', 'The server’s log has the details under the id given here.'),
  'api/unavailable': entry(
    503,
    'The server cannot do this right now',
    'Try again shortly; `rollway doctor` says more.',
  ),
  // who may
  'auth/unauthenticated': entry(
    401,
    'Sign in first',
    'Use `rollway ui` for a sign-in link, or give the command a context.',
  ),
  'auth/forbidden': entry(403, 'You may not do this', 'Ask somebody whose role allows it.'),
  'auth/foreign-origin': entry(
    403,
    'The request comes from another site',
    'Open Rollway by the address it was started with.',
  ),
  'auth/bad-token': entry(
    401,
    'The token is wrong, used or expired',
    'Make a new one with `rollway agent token` or `rollway ui`.',
  ),
  'auth/too-many-attempts': entry(
    429,
    'Too many failed attempts to sign in',
    'Wait a minute, then use a new link of `rollway ui`.',
  ),
  'agent/foreign-host': entry(
    403,
    'An agent may report only for its own host',
    'Check which identity file the agent was started with.',
  ),
  'agent/version-mismatch': entry(
    409,
    'Agent and server are of different versions',
    'Install the server’s version of Rollway on the host.',
  ),
  'agent/data-folder': entry(500, 'The data folder cannot be used', 'Check its owner and its mode.'),
  'agent/unreachable': entry(
    503,
    'The agent of the host cannot be reached',
    'It is tried again by itself; see `rollway hosts` for when it was last heard.',
  ),
  'driver/unavailable': entry(
    503,
    'A driver does not answer',
    'It is tried again by itself; `rollway doctor` says what is wrong with it.',
  ),
  'agent/bad-signature': entry(
    401,
    'The request is not signed by this host’s agent',
    'Check the clock of the host; if its identity file was lost, join it again with a new token.',
  ),
  'agent/must-ask': entry(
    409,
    'The host was given up and has to ask again',
    'Nothing to do: the agent says hello and learns what was replaced.',
  ),
  'agent/already-joined': entry(
    409,
    'Another agent already has this host name',
    'Give this host another name; or say `rollway host dead <host>` first when the other one is gone for good.',
  ),
  'agent/not-joined': entry(
    503,
    'The host could not join',
    'Check that the server runs and that its agent port can be reached from here; the token stays good for its hour.',
  ),
  'agent/wrong-server': entry(
    403,
    'This is not the server that made the token',
    'Make a token file on the server that answers at this address, or correct the address.',
  ),
  'agent/superseded': entry(409, 'A newer incarnation or epoch is known', 'Nothing to do: the newer order stands.'),
  // at the terminal
  'cli/no-server': entry(
    404,
    'No server is known',
    'Start one with `rollway server` (or `npm start` for the demo), or name it with --server and --token-file.',
  ),
  'cli/unclear': entry(400, 'It is not clear what is meant', 'See the command’s --help.'),
  'cli/nothing-yet': entry(
    404,
    'Nothing has been deployed yet',
    'Run `rollway init` and `rollway deploy` in a repository.',
  ),
  // what a user writes
  'spec/invalid': entry(
    400,
    'The configuration is not valid',
    'Correct the named field; `rollway lint` checks it offline.',
  ),
  'spec/unknown-key': entry(400, 'The configuration has an unknown key', 'Correct or remove it.'),
  'spec/not-found': entry(404, 'There is no Rollway configuration', 'Run `rollway init` in the repository.'),
  'spec/exists': entry(409, 'There is a configuration already', 'Edit it, or remove it and run `rollway init` again.'),
  'spec/evaluation-failed': entry(
    400,
    'The configuration could not be evaluated',
    'Run `rollway lint` to see the error in place.',
  ),
  'spec/not-deterministic': entry(
    400,
    'The configuration gives different results each time',
    'Remove clocks, chance and the environment from it.',
  ),
  'spec/cycle': entry(400, 'The pipeline has a cycle', 'Remove one of the named dependencies.'),
  'spec/unknown-action': entry(400, 'The pipeline needs an action that does not exist', 'Correct the name in `needs`.'),
  'spec/unknown-artifact': entry(
    400,
    'An action takes an artifact that nobody makes',
    'Name an artifact that an earlier action makes.',
  ),
  'spec/too-large': entry(400, 'The configuration is too large', 'Keep the result under 1 MB.'),
  // git
  'git/not-a-repository': entry(400, 'This is not a Git repository', 'Run the command inside one, or `git init`.'),
  'git/dirty-tree': entry(409, 'There are uncommitted changes', 'Commit or stash the named files first.'),
  'git/unknown-commit': entry(404, 'The repository has no such commit', 'Push it, or let `rollway deploy` upload it.'),
  'git/unknown-branch': entry(404, 'The repository has no such branch', 'Push it, or correct `pipeline.branch`.'),
  'git/bad-source': entry(
    400,
    'The repository’s address cannot be used',
    'Give an absolute path, or an https://, ssh:// or user@host:path address.',
  ),
  'git/bad-bundle': entry(422, 'The uploaded commits cannot be used', 'Fetch from the server and deploy again.'),
  'git/timed-out': entry(504, 'Git took too long', 'Check the network to the repository, then try again.'),
  'git/too-large': entry(413, 'Git gave more than Rollway reads', 'Make the named file or change smaller.'),
  'git/failed': entry(502, 'Git failed', 'Read Git’s message; check the address and access of the repository.'),
  // releases and pipelines
  'release/blocked-by-mark': entry(
    409,
    'The release contains a commit that is marked bad',
    'Fix it (trailer `Rollway-Fixes:`), revert it, clear the mark, or override with a reason.',
  ),
  'release/superseded': entry(
    409,
    'A newer release has already gone further',
    'Deploy the newer one, or roll back with `rollway rollback`.',
  ),
  'action/failed': entry(422, 'An action failed', 'Read its log: `rollway logs <run>`.'),
  'action/timed-out': entry(422, 'An action ran longer than its timeout', 'Make it faster or raise `timeoutMs`.'),
  'action/lost': entry(
    422,
    'An action was cut off by a crash and may not be repeated',
    'Look at what it did, then `rollway retry` or cancel the release.',
  ),
  'action/not-retryable': entry(
    409,
    'This action cannot be tried again now',
    'See `rollway releases` for where it stands.',
  ),
  'release/already-rolling': entry(
    409,
    'The release is rolling out already',
    'Hold it where it is with `rollway pause --reason "…"`.',
  ),
  'release/ended': entry(409, 'The release has already ended', 'Deploy its commit again with `rollway deploy`.'),
  'release/unknown': entry(404, 'There is no such release', 'List them with `rollway releases`.'),
  'service/unknown': entry(404, 'There is no such service', 'List them with `rollway status`.'),
  'service/name-taken': entry(409, 'Another repository has a service of this name', 'Give the service another name.'),
  'repository/unknown': entry(404, 'There is no such repository', '`rollway deploy` in its folder makes it known.'),
  'repository/exists': entry(409, 'This repository is watched already', 'Use it by its name.'),
  'pipeline/no-such-target': entry(404, 'The pipeline has no such action or environment', 'See `rollway explain`.'),
  // marks
  'mark/unknown': entry(404, 'There is no such mark', 'List them with `rollway marks`.'),
  'mark/cleared': entry(409, 'The mark is cleared already', 'Nothing to do: it blocks nothing.'),
  'mark/refused': entry(409, 'This cannot be done with the mark', 'See `rollway mark show`.'),
  'mark/not-a-fix': entry(
    409,
    'This commit cannot be a fix',
    'Name a commit that came after the bad build, or clear the mark with a reason.',
  ),
  // rollouts and operations
  'rollout/unknown': entry(404, 'There is no such rollout', 'List them with `rollway rollout list`.'),
  'rollout/none': entry(404, 'No rollout is under way', 'List past ones with `rollway rollout list`.'),
  'rollout/illegal-transition': entry(
    409,
    'A rollout in this state cannot do that',
    'See `rollway rollout show` for what it can do.',
  ),
  'rollout/no-good-version': entry(
    409,
    'There is no good version to go back to',
    'Deploy a version that works, or mark one as good.',
  ),
  'rollout/stale-plan': entry(409, 'The plan is out of date', 'Run `rollway plan` again.'),
  'rollout/needs-reason': entry(400, 'This needs a reason', 'Give one with --reason "…"; it is kept in the audit.'),
  'operation/refused': entry(
    409,
    'The operation was refused',
    'The reason names the newer order or the missing precondition.',
  ),
  'job/no-capacity': entry(409, 'No host has room for the task', 'Add a host, or lower what the task asks for.'),
  // artifacts
  'artifact/digest-mismatch': entry(
    422,
    'The content does not match its digest',
    'Fetch it again; if it repeats, the store or the disk is damaged.',
  ),
  'artifact/unsafe-path': entry(
    422,
    'A package may not reach outside its folder',
    'Leave the named path out with `exclude`, or replace the link by what it points to.',
  ),
  'artifact/invalid': entry(422, 'The package cannot be used', 'Build the release again with `rollway retry`.'),
  'artifact/cannot-pack': entry(422, 'The folder cannot be packed', 'Leave the named path out with `exclude`.'),
  'artifact/missing': entry(404, 'The artifact is not in the store', 'Build the release again with `rollway retry`.'),
  'artifact/disk-full': entry(507, 'The disk is full', 'Free space; builds resume by themselves above 5 % free.'),
  // the machine
  'server/port-in-use': entry(409, 'The port is in use', 'Stop the other program or choose another with --port.'),
  'server/plugin': entry(
    500,
    'A plug-in cannot be used',
    'Correct it (docs/plugins.md says how to try it), or start the server without it.',
  ),
  'server/data-folder': entry(500, 'The data folder cannot be used', 'Check its owner and its mode.'),
  'server/changed-store': entry(
    409,
    'The store was written by a different build of Rollway',
    'Start the version that wrote it, or begin with an empty data folder.',
  ),
  'server/newer-store': entry(409, 'The store was written by a newer Rollway', 'Start that version, or a newer one.'),
  'host/alive': entry(
    409,
    'The host is not dead',
    'Let it leave in order with `rollway host leave`, or stop its agent first and say it again.',
  ),
  'host/unknown': entry(404, 'There is no such host', 'List them with `rollway hosts`.'),
  'work/parked': entry(409, 'Work was set aside after repeated failures', 'Read its error, then `rollway work retry`.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ProblemCode = keyof typeof catalogue;
