import type { Strategy } from './port.ts';

/** Each task is stopped and started where it is; everything as the phase says. */
export const inPlace: Strategy = { name: 'in-place' };
