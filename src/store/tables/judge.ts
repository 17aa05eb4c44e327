/** Tables of `judge/`. Times are epoch milliseconds, booleans 0 or 1, structured values JSON text. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by its area
export interface JudgeTables {}
