/**
 * What executes operations on a cluster: the port, what a plug-in with a driver is, the rules that all of them keep
 * (`driver-rules.ts`: tried by `conformance.ts` on ours, by `rollway plugin test` on yours), and one folder per
 * implementation of ours.
 */
export * from './driver-rules.ts';
export * from './launch.ts';
export * from './plugin.ts';
export * from './port.ts';
