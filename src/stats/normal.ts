import { lowerGamma, upperGamma } from './gamma.ts';

/** Chance that a standard normal variable is at most z. */
export function normalBelow(z: number): number {
  if (Number.isNaN(z)) return Number.NaN;
  const half = 0.5 * (z < 0 ? upperGamma(0.5, (z * z) / 2) : 1 + lowerGamma(0.5, (z * z) / 2));
  return Math.min(1, half);
}

/** Chance that it is above z, exact in the far tail. */
export function normalAbove(z: number): number {
  return normalBelow(-z);
}

const central = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852546,
  ],
] as const;
const middle = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
] as const;
const far = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
    1.421511758316446e-7, 2.0442631033899397e-15,
  ],
] as const;

/** z with normalBelow(z) = p (Wichura, algorithm AS 241). */
export function normalQuantile(p: number): number {
  if (!(p > 0)) return Number.NEGATIVE_INFINITY;
  if (p >= 1) return Number.POSITIVE_INFINITY;
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(central[0], r)) / polynomial(central[1], r);
  }
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const [above, below, shift] = r <= 5 ? [middle[0], middle[1], 1.6] : [far[0], far[1], 5];
  const z = polynomial(above, r - shift) / polynomial(below, r - shift);
  return q < 0 ? -z : z;
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i -= 1) sum = sum * x + coefficients[i]!;
  return sum;
}

/** About the mean of the largest of n standard normal variables (Blom, 1958; within 0.03 of the exact values). */
export function expectedMaximum(n: number): number {
  return n < 2 ? 0 : normalQuantile((n - 0.375) / (n + 0.25));
}
