/**
 * When the judge may decide, and with which chance of error. Looks stand at fixed ages of a phase's evidence, further
 * and further apart; each has its own share of α, and the shares sum to the whole. So being asked at every bin, or
 * twice for the same bins, neither costs nor gains anything: between looks nothing is decided.
 */
export const defaultLookAges: readonly number[] = lookAges();

/** 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22 … bins: each about a fifth later than the one before. */
function lookAges(): number[] {
  const ages = [2, 3, 4, 5, 6];
  while (ages.at(-1)! < 20_000) ages.push(Math.ceil(ages.at(-1)! * 1.2));
  return ages;
}

/** The newest look at or before this age that has not been used; undefined: nothing may be decided now. */
export function dueLook(ages: readonly number[], age: number, lastUsed: number): number | undefined {
  let due: number | undefined;
  for (const planned of ages) if (planned <= age && planned > lastUsed) due = planned;
  return due;
}

/**
 * The share of one look in a phase's α. Looks within the planned bake share nine tenths equally; what comes later
 * (a bake can last longer than planned) halves the rest each time.
 */
export function shareOfLook(ages: readonly number[], look: number, plannedAge: number): number {
  const planned = Math.max(1, ages.filter((age) => age <= plannedAge).length);
  const place = ages.indexOf(look);
  if (place < planned) return 0.9 / planned;
  return 0.1 * halved(place - planned + 1);
}

function halved(times: number): number {
  let share = 1;
  for (let i = 0; i < Math.min(times, 1000); i += 1) share /= 2;
  return share;
}
