// A strategy of one's own: tasks on hosts with a label (canary=true, unless the settings say another one) go first, then
// host by host in the order of their names, one host at a time.
//
//   rollway plugin test examples/plugins/canary-by-label.ts
//   rollway server --plugin examples/plugins/canary-by-label.ts
//   strategy: { plugin: canary-by-label, settings: { label: rack, value: a } }      in rollway.yaml
import type { Strategy, StrategySettings, TaskPlace } from 'rollway/plugins';

const isCanary = ({ label = 'canary', value = 'true' }: StrategySettings, { labels }: TaskPlace): boolean =>
  labels[String(label)] === value;

const canaryByLabel: Strategy = {
  name: 'canary-by-label',

  /** What is wrong with the settings, before anything runs by them. */
  check({ label = '', value = '', ...rest }) {
    const unknown = Object.keys(rest)[0];
    if (unknown !== undefined) return `it knows no "${unknown}", only "label" and "value"`;
    return typeof label === 'string' && typeof value === 'string' ? undefined : '"label" and "value" are text';
  },

  /** All tasks of the job: a phase of one task takes the first, a phase of 25 % the first quarter. */
  order(settings, tasks) {
    const rank = (task: TaskPlace): number => (isCanary(settings, task) ? 0 : 1);
    const name = ({ host = '' }: TaskPlace): string => host;
    const sorted = tasks.toSorted(
      (a, b) => rank(a) - rank(b) || (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : a.index - b.index),
    );
    return sorted.map(({ index }) => index);
  },

  /** Whoever is left on the first host on which anybody is left; the engine takes as many of them as it may. */
  next(_, { members }) {
    const left = members.filter(({ isThere }) => !isThere);
    const host = left[0]?.host;
    const next = left.filter((one) => one.host === host).map(({ index }) => index);
    return { next, reason: `${host ?? 'A task without a host'} goes first: one host at a time.` };
  },
};

export const strategies = [canaryByLabel];
