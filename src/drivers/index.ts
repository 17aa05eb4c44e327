/**
 * What executes operations on a cluster: the port, and one folder per implementation. One conformance suite
 * (`conformance.ts`) runs against every one of them.
 */
export * from './port.ts';
