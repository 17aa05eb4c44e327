/**
 * The fleet's work: `fleet/watch` (one row, a timer of one heartbeat), and what edges commit for it: joining, hello,
 * heartbeats, reports, and what a person says of a host.
 */
export { declareDead, letLeave, letStay, removeHost } from './work/by-person.ts';
export { forgetDriver, keepDriverHosts, type NamedHost } from './work/driver-hosts.ts';
export { recordHello, type Superseded } from './work/hello.ts';
export { findHostOfRun, planIntake } from './work/intake.ts';
export { type JoinFacts, join, joinTokenAddition } from './work/join.ts';
export { listeningWrites, stopListeningWrites } from './work/listening.ts';
export {
  end,
  extend,
  forgetOldMaintenances,
  type Opened,
  openMaintenance,
  planMaintenance,
} from './work/maintenance.ts';
export { fleetWatch, fleetWatchWork } from './work/watch.ts';
