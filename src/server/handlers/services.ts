import type { EnvironmentSummary, ReleaseSummary, ServiceDetail, ServiceSummary } from '../../api/index.ts';
import { readCarriers } from '../../blame/read.ts';
import { readVerdicts } from '../../judge/read.ts';
import { jobId, type RolloutId, type ServiceSpec } from '../../model/index.ts';
import {
  type ReleaseOverview,
  readFindings,
  readReleases,
  readRuns,
  readServices,
  type ServiceOverview,
} from '../../pipeline/read.ts';
import { readJob, readJobs, readTogether } from '../../rollout/read.ts';
import type { Tx } from '../../store/index.ts';
import type { Handlers, ServerContext } from '../context.ts';
import { refuse } from '../errors.ts';
import { pipelineView, releaseSummary } from '../views/releases.ts';
import { attentionOf, commonVersion, emptyEnvironment, environmentSummary, serviceSummary } from '../views/services.ts';
import { versionRefs } from '../views/versions.ts';
import { hostsById } from './rollouts.ts';

const releasesShown = 50;

/** Services by environment, and one service with its pipeline. */
export function serviceHandlers({ store }: ServerContext) {
  return {
    async listServices() {
      return store.read(async (tx) => {
        const items: ServiceSummary[] = [];
        for (const service of await readServices(tx)) items.push(await summaryOf(tx, service));
        return { items: items.sort((a, b) => b.attention.length - a.attention.length || (a.name < b.name ? -1 : 1)) };
      });
    },
    async getService({ params }) {
      return store.read(async (tx): Promise<ServiceDetail> => {
        const service = (await readServices(tx)).find(({ name }) => name === params.service);
        if (!service) return refuse('service/unknown', `There is no service ${params.service}.`);
        const releases = await releaseSummaries(tx, await readReleases(tx, service.name, releasesShown), service.spec);
        const { revision, spec } = service;
        return {
          ...(await summaryOf(tx, service)),
          pipeline: revision !== undefined && spec ? pipelineView(service, revision, spec, releases) : null,
          releases,
          spec: spec ? { ...spec } : null,
        };
      });
    },
  } satisfies Partial<Handlers>;
}

async function summaryOf(tx: Tx, service: ServiceOverview): Promise<ServiceSummary> {
  const jobs = (await readJobs(tx)).filter(({ job }) => job.service === service.name);
  const hosts = await hostsById(tx);
  const environments: EnvironmentSummary[] = [];
  for (const { job, live } of jobs) {
    const active = live.find((rollout) => rollout.state !== 'waiting');
    const screen = await readJob(tx, job.id, active);
    if (!screen) continue;
    const versions = await versionRefs(tx, [commonVersion(screen)]);
    const verdicts = active ? await readVerdicts(tx, active.id) : [];
    environments.push(environmentSummary(screen, live, hosts, versions, verdicts));
  }
  const known = new Set<string>(environments.map(({ job }) => job));
  for (const environment of service.spec?.environments ?? []) {
    for (const job of environment.jobs ?? [environment]) {
      const name = environment.jobs === undefined ? undefined : job.name;
      const id = jobId(service.name, environment.name, name);
      if (!known.has(id)) environments.push(emptyEnvironment(id, job.tasks));
    }
  }
  const findings = (await readFindings(tx)).filter(({ subject }) => concerns(subject, service));
  const attention = [
    ...attentionOf(jobs.flatMap(({ live }) => live)),
    ...findings.map(({ subject, problem, atMs }) => ({
      sentence: problem.detail,
      remedy: problem.remedy,
      subject,
      sinceMs: atMs,
    })),
  ];
  return serviceSummary(service, inOrder(environments, service.spec), attention);
}

function concerns(subject: string, service: ServiceOverview): boolean {
  return [service.name, `service/${service.name}`, service.repository, `repository/${service.repository}`].includes(
    subject,
  );
}

/** As the pipeline names them, so that production stands last where it is deployed last. */
function inOrder(found: EnvironmentSummary[], spec: ServiceSpec | undefined): EnvironmentSummary[] {
  const order = (spec?.environments ?? []).map(({ name }) => name);
  const waves = (spec?.environments ?? []).flatMap(({ group }) => group?.waves.flat() ?? []);
  const place = ({ name }: EnvironmentSummary): number => (name === null ? -1 : waves.indexOf(name));
  return found.sort((a, b) => order.indexOf(a.environment) - order.indexOf(b.environment) || place(a) - place(b));
}

export async function releaseSummaries(
  tx: Tx,
  releases: readonly ReleaseOverview[],
  spec: ServiceSpec | undefined,
): Promise<ReleaseSummary[]> {
  const runs = await readRuns(
    tx,
    releases.map(({ id }) => id),
  );
  const together = await readTogether(
    tx,
    runs.flatMap(({ rollout }) => (rollout === undefined ? [] : [rollout as RolloutId])),
  );
  const carriers = (await readCarriers(tx)).filter((carrier) => carrier.override === undefined);
  return releases.map((release) => {
    const marks = carriers.filter(({ version }) => version === release.version).map(({ mark }) => mark);
    return releaseSummary(release, runs, marks, spec, together);
  });
}
