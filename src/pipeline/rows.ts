/** All SQL of the pipeline, one function per statement, by what it is about. */
export * from './rows/releases.ts';
export * from './rows/repositories.ts';
export * from './rows/runs.ts';
export * from './rows/versions.ts';
