import { type DriverId, type HostId, partsOfDriver } from '../../model/index.ts';

/** The driver's own name of a host ↔ the one that everybody else uses: `local` ↔ `local.processes.shop.production`. */
export function hostNames(driver: DriverId): {
  readonly full: (name: string) => HostId;
  readonly short: (host: HostId) => string;
} {
  const { plugin = '', job = '' } = partsOfDriver(driver) ?? {};
  const ending = `.${plugin}.${job.replace('@', '.')}`;
  return {
    full(name) {
      return `${name}${ending}`;
    },
    short: (host) => (host.endsWith(ending) ? host.slice(0, -ending.length) : host),
  };
}
