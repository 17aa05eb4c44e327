import type { Topic } from '../../api/index.ts';
import { ProblemError } from '../../model/index.ts';
import type { Call, Handlers, ServerContext } from '../context.ts';
import { eventView } from '../views/events.ts';
import { createLiveHub, type LiveHub } from './hub.ts';
import type { Loaded, Model } from './topic.ts';

export interface OpenHub extends Omit<LiveHub, 'open'> {
  readonly open: (topics: readonly string[], lastEventId: number | undefined, call: Call) => Response;
}

/** The hub over the same handlers that answer the routes: a snapshot is what the route would answer. */
export function openLiveHub(context: ServerContext, handlers: Handlers): OpenHub {
  const { engine, clock, log, settings, auth } = context;
  const nobody = {} as Call;
  const read = async (topic: Topic): Promise<Model> => {
    const [kind, id = ''] = topic.split('/', 2) as [string, string?];
    switch (kind) {
      case 'services':
        return { services: (await handlers.listServices({}, nobody)).items };
      case 'hosts':
        return {
          hosts: (await handlers.listHosts({}, nobody)).items,
          maintenances: (await handlers.listMaintenances({ query: { ended: '0' } }, nobody)).items,
        };
      case 'marks':
        return { marks: (await handlers.listMarks({ query: { limit: 200 } }, nobody)).items };
      case 'doctor':
        return handlers.getDoctor({}, nobody);
      case 'service':
        return handlers.getService({ params: { service: id } }, nobody);
      case 'release':
        return handlers.getRelease({ params: { release: id as `rel_${string}` } }, nobody);
      default:
        return handlers.getRollout({ params: { rollout: id as `ro_${string}` } }, nobody);
    }
  };
  const hub = createLiveHub({
    clock,
    log,
    version: settings.version,
    lastPosition: engine.lastPosition,
    readEvents: engine.readEvents,
    viewOf: eventView,
    async load(topic): Promise<Loaded> {
      try {
        return { ok: true, data: await read(topic) };
      } catch (error) {
        if (error instanceof ProblemError && error.problem.status < 500) return { ok: false, problem: error.problem };
        throw error;
      }
    },
    isWelcome: (call) => auth.isCurrent(call.identity),
  });
  return {
    viewerCount: hub.viewerCount,
    close: hub.close,
    open: (topics, lastEventId, call) => hub.open(topics as Topic[], lastEventId, call),
  };
}
