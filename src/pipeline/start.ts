import { type ActionSpec, assert, type Digest, jobsOf } from '../model/index.ts';
import { buildKey } from './build-key.ts';
import { actionsOf, attemptsOf, type Draft, emit, endRun, liveRuns, saveRelease, specOf } from './draft.ts';
import type { ActionHost, ReleaseFacts, Run } from './facts.ts';
import { beginRun } from './fold.ts';
import type { ActionOrder } from './ports.ts';

/** How long the server waits for an agent's word after an action's own timeout. */
const graceMs = 60_000;
/** Actions that one host runs at a time. */
const actionsPerHost = 2;

type Blank = Omit<Run, 'attempt' | 'createdAtMs' | 'startedAtMs' | 'endedAtMs'>;

/**
 * Starts an action for a release that may start it. False: it could not begin yet; why is in the release's next
 * explanation (its source is being packed, no host can take it, or the server has no room).
 */
export function startAction(draft: Draft, release: ReleaseFacts, action: ActionSpec): boolean {
  switch (action.type) {
    case 'deploy':
      return startDeploy(draft, release, action);
    case 'bake':
      beginRun(draft, { ...blank(draft, release, action), dueAtMs: draft.nowMs + action.forMs });
      return true;
    case 'build':
    case 'test':
    case 'run':
      return startOnHost(draft, release, action);
    case 'perf-test':
      return startPerfTest(draft, release, action);
  }
}

function blank(draft: Draft, release: ReleaseFacts, action: ActionSpec): Blank {
  return {
    id: draft.names.run(),
    release: release.id,
    service: release.service,
    action: action.name,
    kind: 'action',
    state: 'running',
    reason: undefined,
    rollout: undefined,
    environment: undefined,
    host: undefined,
    inputs: {},
    outputs: {},
    cacheKey: undefined,
    isMachineFault: false,
    dueAtMs: undefined,
  };
}

function startDeploy(draft: Draft, release: ReleaseFacts, action: Extract<ActionSpec, { type: 'deploy' }>): boolean {
  assert(release.version, 'a deploy action starts with a version', { release: release.id });
  const { environment } = action;
  const spec = specOf(draft, release);
  const target = spec.environments.find(({ name }) => name === environment);
  const jobs = target === undefined ? 1 : jobsOf(target, action).length;
  const rollouts = Array.from({ length: jobs }, () => draft.names.rollout());
  const run = { ...blank(draft, release, action), environment, rollout: rollouts[0] };
  const begun = beginRun(draft, { ...run, inputs: inputsOf(draft, release, action) });
  for (const hold of draft.state.holds) {
    if (hold.environment !== environment || draft.endedHolds.has(hold)) continue;
    draft.endedHolds.add(hold);
    draft.wants.push({ kind: 'end-hold', hold });
    emit(draft, release.id, 'hold.ended', { environment, reason: 'a release that is free of it goes through' });
  }
  draft.wants.push({ kind: 'rollout', run: begun, release, spec, rollouts });
  return true;
}

/** A first deployment has no old build, and an equal package cannot be slower: then there is nothing to measure. */
function startPerfTest(draft: Draft, release: ReleaseFacts, action: PerfTest): boolean {
  const fresh = inputsOf(draft, release, action)[action.inputs[0] ?? ''];
  assert(fresh, 'a performance test has a package to measure', { release: release.id, action: action.name });
  const old = draft.state.baselines.get(action.environment);
  const run = { ...blank(draft, release, action), inputs: { new: fresh, ...(old && { old }) } };
  if (old === undefined || old === fresh) {
    const begun = beginRun(draft, run);
    const reason =
      old === undefined
        ? `Nothing is deployed to ${action.environment} yet that it could be compared with.`
        : `The package is the one that is deployed to ${action.environment}.`;
    endRun(draft, begun, { state: 'succeeded', reason });
    return true;
  }
  const host = draft.state.hasRoom ? chooseHost(draft, release, action) : undefined;
  if (host === undefined) return false;
  const begun = beginRun(draft, { ...run, host: host.id, dueAtMs: draft.nowMs + action.timeoutMs + graceMs });
  draft.wants.push({ kind: 'order', run: begun, order: perfOrderOf(begun, release, action, fresh, old) });
  return true;
}

function perfOrderOf(run: Run, release: ReleaseFacts, action: PerfTest, fresh: Digest, old: Digest): ActionOrder {
  const { command, measure, better, delta, margin, alpha, minPairs, maxPairs, timeoutMs } = action;
  return {
    id: run.id,
    source: fresh,
    inputs: { old, new: fresh },
    commands: [],
    env: { CI: 'true', ROLLWAY_SERVICE: release.service, ROLLWAY_ACTION: action.name },
    timeoutMs,
    output: null,
    perf: { command, measure, better, delta, margin, alpha, minPairs, maxPairs, seed: release.position + run.attempt },
  };
}

type PerfTest = Extract<ActionSpec, { type: 'perf-test' }>;
type HostAction = Extract<ActionSpec, { type: 'build' | 'test' | 'run' }>;

function startOnHost(draft: Draft, release: ReleaseFacts, action: HostAction): boolean {
  if (release.source.kind === 'failed') {
    const begun = beginRun(draft, blank(draft, release, action));
    const { title, detail } = release.source.problem;
    endRun(draft, begun, { state: 'failed', reason: `${title}: ${detail}` });
    return true;
  }
  if (release.source.kind !== 'ready') {
    if (release.source.kind === 'wanted' && draft.state.hasRoom) {
      saveRelease(draft, { ...release, source: { kind: 'asked' } });
      draft.wants.push({ kind: 'source', release: release.id });
    }
    return false;
  }
  const { digest, tree } = release.source.source;
  const artifacts = inputsOf(draft, release, action);
  const inputs: Record<string, Digest> = Object.keys(artifacts).length > 0 ? artifacts : { source: digest };
  const run = { ...blank(draft, release, action), inputs };
  if (action.type === 'build' && takeFromCache(draft, release, action, run, tree, artifacts)) return true;

  const host = draft.state.hasRoom ? chooseHost(draft, release, action) : undefined;
  if (host === undefined) return false;
  const cacheKey = action.type === 'build' ? buildKey(action, tree, artifacts) : undefined;
  const dueAtMs = draft.nowMs + action.timeoutMs + graceMs;
  const begun = beginRun(draft, { ...run, host: host.id, cacheKey, dueAtMs });
  draft.wants.push({ kind: 'order', run: begun, order: orderOf(begun, release, action, artifacts) });
  return true;
}

/** Artifacts that earlier actions of this release made, by the names under which this action takes them. */
function inputsOf(draft: Draft, release: ReleaseFacts, action: ActionSpec): Record<string, Digest> {
  const made = new Map<string, Digest>();
  for (const earlier of actionsOf(draft, release)) {
    const last = attemptsOf(draft, release.id, earlier.name).at(-1);
    for (const [name, revision] of Object.entries(last?.outputs ?? {})) made.set(name, revision.digest);
  }
  return Object.fromEntries(action.inputs.flatMap((name) => (made.has(name) ? [[name, made.get(name)!]] : [])));
}

function takeFromCache(
  draft: Draft,
  release: ReleaseFacts,
  action: Extract<ActionSpec, { type: 'build' }>,
  run: Blank,
  tree: string,
  inputs: Readonly<Record<string, Digest>>,
): boolean {
  const cacheKey = buildKey(action, tree, inputs);
  const revision = draft.state.cache.get(cacheKey);
  if (revision === undefined) return false;
  const begun = beginRun(draft, { ...run, cacheKey });
  emit(draft, release.id, 'action.from-cache', { action: action.name, digest: revision.digest });
  const reason = 'The same content was built before: its package is used again.';
  endRun(draft, begun, { state: 'succeeded', reason, outputs: { [action.output]: revision } });
  return true;
}

/**
 * The host with the fewest actions, then the fewest tasks; one that spoilt this action before only if there is no
 * other.
 */
export function chooseHost(draft: Draft, release: ReleaseFacts, action: ActionSpec): ActionHost | undefined {
  const begunNow = liveRuns(draft).filter((run) => draft.changedRuns.has(run.id));
  const spoilt = new Set(attemptsOf(draft, release.id, action.name).map((run) => run.isMachineFault && run.host));
  return draft.state.hosts
    .filter(({ canWork }) => canWork)
    .map((host) => {
      const actions = host.runningActions + begunNow.filter((run) => run.host === host.id).length;
      return { host, actions, isSpoilt: spoilt.has(host.id) ? 1 : 0 };
    })
    .filter(({ actions }) => actions < actionsPerHost)
    .sort(
      (a, b) =>
        a.isSpoilt - b.isSpoilt ||
        a.actions - b.actions ||
        a.host.runningTasks - b.host.runningTasks ||
        (a.host.id < b.host.id ? -1 : 1),
    )[0]?.host;
}

/** A build is told nothing that may differ between two commits of the same content: its package is found by key. */
function orderOf(
  run: Run,
  release: ReleaseFacts,
  action: HostAction,
  inputs: Readonly<Record<string, Digest>>,
): ActionOrder {
  const base = { CI: 'true', ROLLWAY_SERVICE: release.service, ROLLWAY_ACTION: action.name };
  const [source] = Object.values(run.inputs);
  assert(source, 'an action has something to work on', { run: run.id });
  const output = action.type === 'build' ? { include: action.include, exclude: action.exclude } : null;
  return {
    id: run.id,
    source,
    inputs,
    commands: action.commands,
    env: action.type === 'build' ? base : { ...base, ROLLWAY_RELEASE: release.id, ROLLWAY_COMMIT: release.commit },
    timeoutMs: action.timeoutMs,
    output: action.type === 'run' && action.output !== null ? { include: ['.'], exclude: [] } : output,
  };
}

/** The package that a deploy action would put out: its named input, or what the only build made. */
export function packageOf(draft: Draft, release: ReleaseFacts): Digest | undefined {
  const actions = actionsOf(draft, release);
  const deploy = actions.find(({ type }) => type === 'deploy');
  const [named] = deploy?.inputs ?? [];
  for (const action of actions) {
    if (action.type !== 'build' && action.type !== 'run') continue;
    const last = attemptsOf(draft, release.id, action.name).at(-1);
    if (last?.state !== 'succeeded') continue;
    const revision = named === undefined ? Object.values(last.outputs)[0] : last.outputs[named];
    if (revision !== undefined) return revision.digest;
  }
  return undefined;
}
