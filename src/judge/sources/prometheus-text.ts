/** Where sources look for the text format; it is pure and lives in the area itself, so that agents can use it too. */
export { defaultParseLimits, deltasBetween, parsePrometheusText } from '../index.ts';
