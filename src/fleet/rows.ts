/** All SQL of the fleet, one function per statement, by what it is about. */
export * from './rows/drivers.ts';
export * from './rows/endpoints.ts';
export * from './rows/hosts.ts';
export * from './rows/listening.ts';
export * from './rows/maintenances.ts';
export * from './rows/placements.ts';
export * from './rows/tokens.ts';
