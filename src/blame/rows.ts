/** All SQL of marks, one function per statement, by what it is about. */
export * from './rows/carriers.ts';
export * from './rows/commits.ts';
export * from './rows/marks.ts';
export * from './rows/requests.ts';
