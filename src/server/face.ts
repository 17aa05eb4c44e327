import type { House } from './compose.ts';
import { createHandlers } from './handlers/index.ts';
import { createHttp, type Fetch } from './http.ts';
import { openLiveHub } from './live/open.ts';
import { createMetrics } from './metrics.ts';
import { ownHosts } from './origin.ts';
import { createRefusals } from './refusals.ts';
import { openStaticFiles } from './static.ts';

/** What people see of the server, as one function from request to response; no socket yet. */
export interface Face {
  readonly fetch: Fetch;
  readonly hasUi: boolean;
  /** Ends the live streams. */
  close(): Promise<void>;
}

export function openFace(house: House, port: () => number, isReady: () => boolean): Face {
  const { settings } = house;
  const handlers = createHandlers(house);
  const hub = openLiveHub(house, handlers);
  const refusals = createRefusals(house, (error) => house.log.error('a refused request is not in the audit', error));
  const metrics = createMetrics(house, () => ({
    live_streams: hub.viewerCount(),
    refused_requests: refusals.total,
  }));
  const files = openStaticFiles(settings.webFolder);
  const fetch = createHttp(house, {
    handlers,
    files,
    isOwnHost: (host) => ownHosts(settings.host, port(), settings.otherHosts)(host),
    openLive: hub.open,
    isReady,
    metrics: metrics.text,
    sources: house.sources,
    onAnswer: metrics.recordAnswer,
    onRefusal: refusals.record,
  });
  return { fetch, hasUi: files.hasUi, close: hub.close };
}
