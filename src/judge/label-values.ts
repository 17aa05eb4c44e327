/**
 * `5xx`, `500|503`, `error,timeout`, or a regular expression in slashes: `/5../`. Anchored at both ends.
 * An expression that cannot be read matches nothing (the specification refuses it earlier).
 */
export function matcherOf(errorValues: string): (value: string) => boolean {
  const source = /^\/.*\/$/.test(errorValues) ? errorValues.slice(1, -1) : undefined;
  if (source !== undefined) return expressionOf(source);
  const words = errorValues.split(/[|,]/).map((word) => word.trim());
  if (words.some((word) => /[.*+?[\](){}^$\\]/.test(word))) return expressionOf(errorValues.replaceAll(',', '|'));
  const classes = new Set(words.filter((word) => /^\dxx$/i.test(word)).map((word) => word[0]));
  const exact = new Set(words);
  return (value) => exact.has(value) || (/^\d\d\d$/.test(value) && classes.has(value[0]));
}

function expressionOf(source: string): (value: string) => boolean {
  try {
    const expression = new RegExp(`^(?:${source})$`);
    return (value) => expression.test(value);
  } catch {
    return () => false;
  }
}
