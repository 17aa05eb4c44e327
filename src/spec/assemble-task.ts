import type { ReadySpec, TaskSpec } from '../model/index.ts';
import { placeholdersOf } from './command.ts';
import type { Leaf, Resolved } from './layers.ts';
import type { OriginBook } from './origins.ts';

/** The task of a service, every default filled in. */
export function assembleTask({ values, env, secretFiles }: Resolved, book: OriginBook): TaskSpec {
  const needsDataDir = placeholdersOf(values.command.value).includes('dataDir');
  const dataDir = needsDataDir && !values.dataDir.value ? { value: true, layer: 'derived' } : values.dataDir;
  return {
    command: book.at('task.command', values.command),
    ports: book.at('task.ports', values.ports),
    env: assembleRecord('task.env', env, book),
    secretFiles: assembleRecord('task.secretFiles', secretFiles, book),
    stop: {
      signal: book.at('task.stop.signal', values.stopSignal),
      graceMs: book.at('task.stop.graceMs', values.stopGraceMs),
    },
    ready: assembleReady(values, book),
    drainMs: book.at('task.drainMs', values.drainMs),
    dataDir: book.at('task.dataDir', dataDir),
    resources: {
      cpuMillis: book.at('task.resources.cpuMillis', values.cpuMillis),
      memoryMb: book.at('task.resources.memoryMb', values.memoryMb),
    },
    metrics: assembleMetrics(values, book),
    singleton: book.at('task.singleton', values.singleton),
  };
}

/** Names and values, each with its origin. */
export function assembleRecord(
  path: string,
  record: Readonly<Record<string, Leaf<string>>>,
  book: OriginBook,
): Record<string, string> {
  const entries = Object.entries(record);
  if (entries.length === 0) return book.at(path, { value: {}, layer: 'base' });
  return Object.fromEntries(entries.map(([key, leaf]) => [key, book.at(`${path}.${key}`, leaf)]));
}

/** A port that is not named is the first one. */
function assembleReady({ ready, readyWithinMs, ports }: Resolved['values'], book: OriginBook): ReadySpec {
  const portOf = (kind: string, port: string | undefined): string => {
    const path = `task.ready.${kind}.port`;
    return port === undefined ? book.derived(path, ports.value[0] ?? '') : book.at(path, { ...ready, value: port });
  };
  const said = ready.value;
  const deadlineMs = book.at('task.ready.deadlineMs', readyWithinMs);
  if ('http' in said) {
    const path = book.at('task.ready.http.path', { ...ready, value: said.http.path });
    return { http: { path, port: portOf('http', said.http.port) }, deadlineMs };
  }
  if ('tcp' in said) return { tcp: { port: portOf('tcp', said.tcp.port) }, deadlineMs };
  if ('log' in said) return { log: book.at('task.ready.log', { ...ready, value: said.log }), deadlineMs };
  return { running: book.at('task.ready.running', { ...ready, value: said.running }), deadlineMs };
}

function assembleMetrics({ metrics, ports }: Resolved['values'], book: OriginBook): TaskSpec['metrics'] {
  if (metrics.value === null) return book.at('task.metrics', { ...metrics, value: null });
  const { path, port } = metrics.value;
  return {
    path: book.at('task.metrics.path', { ...metrics, value: path }),
    port:
      port === undefined
        ? book.derived('task.metrics.port', ports.value[0] ?? '')
        : book.at('task.metrics.port', { ...metrics, value: port }),
  };
}
