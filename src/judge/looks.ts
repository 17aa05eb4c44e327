/**
 * When the judge may decide, and with which chance of error. Looks stand at fixed ages of a phase's evidence, further
 * and further apart; each has its own share of α, and the shares sum to the whole. So being asked at every bin, or
 * twice for the same bins, neither costs nor gains anything: between looks nothing is decided.
 */
export interface LookPlan {
  readonly ages: readonly number[];
  /** Index of the look that stands at the end of the planned bake; those after it share a tenth. */
  readonly last: number;
}

/** 2, 3, 4, 6, 9, 13, 18 … bins: each about a third later than the one before; one at the end of what is planned. */
export function planLooks(plannedAge: number): LookPlan {
  const end = Math.max(2, plannedAge);
  const ages: number[] = [];
  let age = 2;
  for (; age < end * 0.86; age = next(age)) ages.push(age);
  ages.push(end);
  const last = ages.length - 1;
  for (age = next(end); ages.length < last + 40; age = next(age)) ages.push(age);
  return { ages, last };
}

function next(age: number): number {
  return age < 4 ? age + 1 : Math.floor(age * 1.34) + 1;
}

/** A look at each of the first so many bins: what "honest under peeking" is tried with. */
export function planLooksAtEveryBin(plannedAge: number): LookPlan {
  const end = Math.max(2, plannedAge);
  return { ages: Array.from({ length: end + 39 }, (_, i) => i + 1), last: end - 1 };
}

/** The newest look at or before this age that has not been used; undefined: nothing may be decided now. */
export function dueLook({ ages }: LookPlan, age: number, lastUsed: number): number | undefined {
  let due: number | undefined;
  for (const planned of ages) if (planned <= age && planned > lastUsed) due = planned;
  return due;
}

/**
 * The share of one look in a phase's α. Looks within the planned bake share nine tenths equally; of those that come
 * later (a bake can last longer than planned) each has half of what is left.
 */
export function shareOfLook({ ages, last }: LookPlan, look: number): number {
  const place = ages.indexOf(look);
  if (place <= last) return 0.9 / (last + 1);
  let share = 0.1;
  for (let i = last; i < place; i += 1) share /= 2;
  return share;
}

/**
 * The share of one look in the chance of passing wrongly. Half of it is kept for the end of the bake: a version that
 * could not pass before gets its best chance with all that was seen. Measured at 200 tasks: of 200 harmless deployments
 * four end undecided; with shares alike six did.
 */
export function passShareOfLook(looks: LookPlan, look: number): number {
  const { ages, last } = looks;
  const place = ages.indexOf(look);
  if (last === 0 || place > last) return shareOfLook(looks, look);
  return place === last ? 0.5 : 0.4 / last;
}

/** Part of a phase's α for looks while its tasks are still being updated. */
export const updatingShare = 0.3;

/** What a look at the end of the planned bake has at least, whatever was spent before: of the phase's α. */
export function finalShareOf(looks: LookPlan): number {
  return shareOfLook(looks, looks.ages[looks.last]!) * (1 - updatingShare);
}
