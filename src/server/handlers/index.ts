import type { House } from '../compose.ts';
import type { Handlers } from '../context.ts';
import { backtestHandlers } from './backtests.ts';
import { deployHandlers } from './deploys.ts';
import { eventHandlers } from './events.ts';
import { hostHandlers } from './hosts.ts';
import { judgeHandlers } from './judge.ts';
import { machineHandlers } from './machine.ts';
import { maintenanceHandlers } from './maintenances.ts';
import { markHandlers } from './marks.ts';
import { peopleHandlers } from './people.ts';
import { planHandlers } from './plans.ts';
import { releaseHandlers } from './releases.ts';
import { repositoryHandlers } from './repositories.ts';
import { rolloutHandlers } from './rollouts.ts';
import { sampleHandlers } from './samples.ts';
import { serviceHandlers } from './services.ts';
import { taskPlanHandlers } from './task-plans.ts';

/** A handler for each route of the table; the compiler says which one is missing. */
export function createHandlers(house: House): Handlers {
  return {
    ...serviceHandlers(house),
    ...releaseHandlers(house, house.agents),
    ...rolloutHandlers(house),
    ...deployHandlers(house),
    ...planHandlers(house),
    ...taskPlanHandlers(house),
    ...backtestHandlers(house),
    ...repositoryHandlers(house),
    ...markHandlers(house),
    ...hostHandlers(house, house.agents),
    ...maintenanceHandlers(house),
    ...eventHandlers(house),
    ...machineHandlers(house, house.agents),
    ...peopleHandlers(house),
    ...sampleHandlers(house),
    ...judgeHandlers(house),
  };
}
