import { firstExtra } from '../disruption/index.ts';
import { type Inventory, type NoHost, type PlaceRequest, place, withPlacement } from '../fleet/index.ts';
import type { TaskIndex } from '../model/index.ts';

/** Tasks that a rollout starts beside those that there are. */
export interface WantedRoom extends Pick<PlaceRequest, 'job' | 'needs' | 'hostLabels' | 'driver'> {
  readonly tasks: number;
  /** In a first deployment they are the job's own, else extra ones. */
  readonly isFirst: boolean;
}

/** Placed one by one, each costs a look at every host: of more than these nobody is told where they would go. */
const mostPlaced = 500;

/**
 * Whether the hosts of now have room for what a rollout starts beside those that there are, by the very placement that
 * it will ask. A note, no refusal: room may come, and until then it waits. Pure.
 */
export function roomNotes(wanted: WantedRoom, inventory: Inventory): string[] {
  const { tasks, isFirst } = wanted;
  if (tasks === 0 || tasks > mostPlaced) return [];
  const { placed, obstacle } = placeAll(wanted, inventory);
  if (obstacle === undefined) return [];
  const [first, ...more] = obstacle.sentence.replace(/\.$/, '').split('. ');
  const why = more.length > 0 ? more.join('. ') : first;
  const which = isFirst ? `its ${tasks}` : `the ${tasks} more`;
  const room =
    placed === 0 ? `There is room for none of ${which} tasks` : `There is room for ${placed} of ${which} tasks`;
  return [`${room}: ${why}. It would wait until there is more.`];
}

function placeAll({ tasks, isFirst, ...request }: WantedRoom, inventory: Inventory) {
  let now = inventory;
  let obstacle: NoHost | undefined;
  let placed = 0;
  while (placed < tasks) {
    const index: TaskIndex = isFirst ? placed : firstExtra + placed;
    const host = place({ ...request, index, isSingleton: false }, now);
    if (!host.ok) {
      obstacle = host.error;
      break;
    }
    now = withPlacement(now, { ...request.needs, job: request.job, index, incarnation: 1, host: host.value });
    placed += 1;
  }
  return { placed, obstacle };
}
