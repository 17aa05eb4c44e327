import type { SourceFinding } from '../../judge/index.ts';
import type { OwnQuery } from '../../judge/read.ts';
import type { PrometheusQuery } from '../../judge/sources/prometheus.ts';
import { queryMetric } from '../../model/index.ts';
import type { PrometheusServer } from './sources-file.ts';

/** So many PromQL expressions of services one server is asked at most. */
const maxPerServer = 200;

export interface Asked {
  readonly byServer: ReadonlyMap<string, readonly PrometheusQuery[]>;
  readonly findings: readonly SourceFinding[];
}

/**
 * Which server is asked what services ask by checks of their own. A service names a server of the operator's file, never
 * an address; a server is asked only where the file lets services do so, and says which label is the task. Pure.
 */
export function askOwnQueries(queries: readonly OwnQuery[], servers: readonly PrometheusServer[]): Asked {
  const byServer = new Map<string, PrometheusQuery[]>();
  const findings: SourceFinding[] = [];
  for (const { job, check, promql, server } of queries) {
    const found = servers.find((one) => (server === null ? one.ownQueries !== undefined : one.name === server));
    const refuse = (why: string) => {
      const sentence = `The query of the check ${check} of ${job} is not asked: ${why}.`;
      findings.push({ source: 'own-queries', subject: `${job}/${check}`, trouble: 'refused', sentence });
    };
    if (!found) {
      const which =
        server === null
          ? 'no Prometheus server of the sources file lets services ask'
          : `the sources file names no Prometheus server ${server}`;
      refuse(which);
      continue;
    }
    if (!found.ownQueries) {
      refuse(`the Prometheus server ${found.name} does not let services ask (\`ownQueries\` in the sources file)`);
      continue;
    }
    const own = byServer.get(found.name) ?? [];
    if (own.length >= maxPerServer) {
      refuse(`the Prometheus server ${found.name} is asked ${maxPerServer} queries of services already`);
      continue;
    }
    const { task } = found.ownQueries;
    own.push({ metric: queryMetric(check), jobs: [job], promql, as: 'gauge', task });
    byServer.set(found.name, own);
  }
  return { byServer, findings };
}
