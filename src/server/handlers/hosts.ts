import type { Endpoints, HostView } from '../../api/index.ts';
import type { Proposal, View } from '../../engine/index.ts';
import { findHostOverview, type HostOverview, listHostOverviews, readDiscovery } from '../../fleet/read.ts';
import { declareDead, letLeave, letStay, removeHost } from '../../fleet/work.ts';
import type { JobId, Result } from '../../model/index.ts';
import type { AgentServer } from '../agents/index.ts';
import type { Call, Handlers, ServerContext } from '../context.ts';
import { refuse, valueOrThrow } from '../errors.ts';
import { waitFor } from '../wait.ts';

/** Hosts, who joins and who leaves, and where the tasks of a job answer. */
export function hostHandlers(context: ServerContext, agents: AgentServer) {
  const { store, engine, clock, settings } = context;

  const load = async (host: string): Promise<HostView> => {
    const found = await store.read((tx) => findHostOverview(tx, host));
    return found
      ? hostView(found, clock.nowMs(), settings.heartbeatMs)
      : refuse('host/unknown', `There is no host ${host}.`);
  };

  const changeByPerson = async (
    host: string,
    call: Call,
    attempt: (view: View) => Promise<Proposal<Result<unknown>>>,
  ): Promise<HostView> => {
    const outcome = await engine.commitAs(call.actor, attempt);
    if (outcome) valueOrThrow(outcome);
    return load(host);
  };

  return {
    async listHosts() {
      const found = await store.read(listHostOverviews);
      return { items: found.map((host) => hostView(host, clock.nowMs(), settings.heartbeatMs)) };
    },
    async getHost({ params }) {
      return load(params.host);
    },
    async declareHostDead({ params, body }, call) {
      const attempt = declareDead(params.host, call.actor, body.reason, clock.nowMs());
      return changeByPerson(params.host, call, attempt);
    },
    async leaveHost({ params, body }, call) {
      const attempt = letLeave(params.host, call.actor, body.reason, clock.nowMs());
      return changeByPerson(params.host, call, attempt);
    },
    async stayHost({ params, body }, call) {
      const attempt = letStay(params.host, call.actor, body.reason, clock.nowMs());
      return changeByPerson(params.host, call, attempt);
    },
    async removeHost({ params, body }, call) {
      const removed = await engine.commitAs(call.actor, removeHost(params.host, call.actor, body.reason));
      if (removed === undefined) refuse('api/unavailable', 'The change could not be committed.');
      valueOrThrow(removed);
      agents.forgetHost(params.host);
    },
    async createJoinToken(_, { actor }) {
      return agents.createJoinToken(actor);
    },
    async listEndpoints({ params, query }, { signal }) {
      const ask = () => store.read((tx) => readDiscovery(tx, params.job as JobId));
      const limits = { waitMs: query.waitMs, signal, pollMs: 100 };
      const list = await waitFor(context, limits, ask, ({ revision }) => revision !== query.revision);
      const endpoints = list.entries.map(({ index, host, address, ports, version }) => {
        return { index, host, address, ports: { ...ports }, version };
      });
      return { job: params.job, revision: list.revision, endpoints } satisfies Endpoints;
    },
    async readTaskLog({ params, query }, { signal }) {
      const job = params.job as JobId;
      const entry = await store.read(listHostOverviews);
      const host = entry.find(({ endpoints }) => endpoints.some((e) => e.job === job && e.index === params.index))?.id;
      if (host === undefined) return refuse('api/not-found', `Task ${params.index} of ${job} runs on no host.`);
      const answer = await agents.tail(host, job, params.index, query.lines, signal);
      return { job: params.job, index: params.index, host, lines: [...answer.lines], note: answer.note ?? null };
    },
  } satisfies Partial<Handlers>;
}

export function hostView(host: HostOverview, nowMs: number, heartbeatMs: number): HostView {
  const silentForMs = nowMs - host.lastSeenAtMs;
  return {
    id: host.id,
    address: host.address,
    state: host.state,
    region: host.labels.region ?? null,
    rack: host.labels.rack ?? null,
    labels: { ...host.labels },
    capacity: { ...host.capacity },
    used: { ...host.used },
    agentVersion: host.agentVersion,
    lastSeenAtMs: host.lastSeenAtMs,
    silentForMs: silentForMs > 3 * heartbeatMs ? silentForMs : null,
    freeDiskRatio: host.freeDiskRatio,
    abilities: [...host.abilities],
    tasks: host.endpoints.map(({ job, index, state, version }) => ({ job, index, state, version })),
  };
}
