/** A time that never comes: the largest whole number that both databases and JavaScript hold exactly. */
export const never = Number.MAX_SAFE_INTEGER;
