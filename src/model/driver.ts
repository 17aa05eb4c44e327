import type { JobId } from './ids.ts';

/**
 * What executes the operations on a host: `fleet` (agents that joined), or `<plug-in>:<job>`. Each job that names a
 * plug-in has an instance of its own, with its own settings and its own hosts.
 */
export type DriverId = string;

export const fleetDriver: DriverId = 'fleet';

/** The name of a plug-in, as that of a strategy of a user's own. */
export function pluginDriver(plugin: string, job: JobId): DriverId {
  return `${plugin}:${job}`;
}

/** Undefined: it is Rollway's own. */
export function partsOfDriver(driver: DriverId): { readonly plugin: string; readonly job: JobId } | undefined {
  const at = driver.indexOf(':');
  return at === -1 ? undefined : { plugin: driver.slice(0, at), job: driver.slice(at + 1) as JobId };
}

/** Whether tasks that one driver runs may be on hosts of the other. A host that names none is the fleet's. */
export function isSameDriver(one: DriverId | undefined, other: DriverId | undefined): boolean {
  return ownerOf(one) === ownerOf(other);
}

/** Of several own drivers (the simulator's, say) there is only ever one in a process. */
function ownerOf(driver: DriverId = fleetDriver): DriverId {
  return driver.includes(':') ? driver : fleetDriver;
}
