import type { EventView, Topic } from '../../api/index.ts';
import type { Clock } from '../../kit/index.ts';
import type { StoredEvent } from '../../model/index.ts';
import type { Call } from '../context.ts';
import type { Log } from '../log.ts';
import type { Loaded, State } from './topic.ts';
import { Viewer } from './viewer.ts';

export interface HubOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly lastPosition: () => Promise<number>;
  readonly readEvents: (after: number, limit: number) => Promise<StoredEvent[]>;
  readonly viewOf: (event: StoredEvent) => EventView;
  readonly load: (topic: Topic) => Promise<Loaded>;
  /** Whether the caller may still look: its session may have ended meanwhile. */
  readonly isWelcome: (call: Call) => Promise<boolean>;
}

/** All live streams of this server: topics are read once however many watch, at most four times a second. */
export interface LiveHub {
  open(topics: readonly Topic[], lastEventId: number | undefined, call: Call): Response;
  readonly viewerCount: () => number;
  /** Ends all streams; resolves when the loop has stopped. */
  close(): Promise<void>;
}

const tickMs = 250;
const pulseMs = 5000;
const slowReaderMs = 60_000;
const welcomeCheckMs = 15_000;
/** Besides at every event, topics are read again this often: samples and clocks move without events. */
const refreshMs = (topic: Topic): number => (topic.startsWith('rollout/') ? 2000 : 5000);

interface Seat {
  readonly viewer: Viewer;
  readonly call: Call;
  welcomeUntilMs: number;
}

export function createLiveHub(options: HubOptions): LiveHub {
  const { clock, log } = options;
  const seats = new Set<Seat>();
  const states = new Map<Topic, State>();
  const stop = new AbortController();
  let isRunning: Promise<void> | undefined;

  /** Runs only while somebody watches. */
  const run = async (): Promise<void> => {
    while (seats.size > 0 && !stop.signal.aborted) {
      try {
        await tick();
      } catch (error) {
        log.error('live updates failed', error);
      }
      await clock.sleepUntil(clock.nowMs() + tickMs, stop.signal).catch(() => undefined);
    }
    states.clear();
    isRunning = undefined;
  };

  const tick = async (): Promise<void> => {
    // The position first, then the rows: whatever is committed in between is told again, never missed.
    const position = await options.lastPosition();
    const watched = new Set([...seats].flatMap(({ viewer }) => viewer.topics));
    for (const topic of states.keys()) if (!watched.has(topic)) states.delete(topic);
    for (const topic of watched) await refresh(topic, position);
    for (const seat of seats) await serve(seat, position);
  };

  const refresh = async (topic: Topic, position: number): Promise<void> => {
    const known = states.get(topic);
    const nowMs = clock.nowMs();
    if (known && known.position === position && nowMs - known.atMs < refreshMs(topic)) return;
    states.set(topic, { position, loaded: await options.load(topic), atMs: nowMs });
  };

  const serve = async (seat: Seat, position: number): Promise<void> => {
    const { viewer } = seat;
    const nowMs = clock.nowMs();
    if (nowMs > seat.welcomeUntilMs) {
      if (!(await options.isWelcome(seat.call))) return leave(seat);
      seat.welcomeUntilMs = nowMs + welcomeCheckMs;
    }
    if (!viewer.mayWrite(nowMs)) {
      if (viewer.isClosed || nowMs - (viewer.blockedSinceMs ?? nowMs) > slowReaderMs) leave(seat);
      return;
    }
    for (const topic of viewer.topics) {
      const state = states.get(topic);
      if (state) viewer.tell(topic, state, nowMs);
    }
    await tellFacts(viewer, position);
    if (clock.nowMs() - viewer.lastSentAtMs >= pulseMs) viewer.pulse(position, clock.nowMs());
  };

  const tellFacts = async (viewer: Viewer, position: number): Promise<void> => {
    while (viewer.factsAfter !== undefined && viewer.factsAfter < position && viewer.mayWrite(clock.nowMs())) {
      const events = await options.readEvents(viewer.factsAfter, 200);
      if (events.length === 0) return;
      viewer.tellFacts(events.map(options.viewOf), clock.nowMs());
    }
  };

  const leave = (seat: Seat): void => {
    seats.delete(seat);
    seat.viewer.close();
  };

  const seat = async (topics: readonly Topic[], viewer: Viewer, call: Call): Promise<void> => {
    const position = await options.lastPosition();
    if (topics.includes('events')) viewer.factsAfter = Math.min(viewer.factsAfter ?? position, position);
    viewer.greet(position, clock.nowMs(), options.version);
    if (viewer.isClosed || stop.signal.aborted) return viewer.close();
    seats.add({ viewer, call, welcomeUntilMs: clock.nowMs() + welcomeCheckMs });
    isRunning ??= run();
  };

  return {
    open(topics, lastEventId, call) {
      const onClose = () => {
        for (const known of seats) if (known.viewer === viewer) seats.delete(known);
      };
      const viewer = new Viewer(topics, lastEventId, call.requestId, clock.nowMs(), onClose);
      call.signal.addEventListener('abort', () => {
        onClose();
        viewer.close();
      });
      seat([...topics], viewer, call).catch((error: unknown) => {
        log.error('a live stream could not begin', error, { requestId: call.requestId });
        viewer.close();
      });
      return new Response(viewer.stream, {
        headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
      });
    },
    viewerCount: () => seats.size,
    async close() {
      stop.abort();
      for (const known of [...seats]) leave(known);
      await isRunning;
    },
  };
}
