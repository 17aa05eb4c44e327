import type { ServiceSummary } from '../../api/index.ts';
import { countDots, renderDots } from '../render/dots.ts';
import { plain } from '../render/style.ts';
import { ago } from '../render/time.ts';
import { shortCommit, stateWord } from '../render/words.ts';
import type { Session } from '../session.ts';
import { watchLoop } from '../watch.ts';

export async function run(session: Session, [service]: readonly string[], flags: { watch?: boolean }) {
  const read = async () => {
    const { items } = await session.client.listServices();
    return service === undefined ? items : items.filter((item) => item.name === service);
  };
  if (flags.watch === true) return watchLoop(session, read, (items) => linesOf(items, session));
  const items = await read();
  session.out.show(items, () => {
    for (const line of linesOf(items, session)) session.out.line(line);
    session.out.next(
      items.length === 0 ? 'rollway deploy  (in a repository with a rollway.config.ts)' : 'rollway rollout show',
    );
  });
  return undefined;
}

function linesOf(items: readonly ServiceSummary[], { out }: Session): string[] {
  if (items.length === 0) return [out.style.dim('No service is deployed yet.')];
  const now = Date.now();
  return items.flatMap((item) => [
    out.style.bold(item.name),
    ...item.environments.map((environment) => {
      const { version } = environment;
      const what = version === null ? 'nothing yet' : `${shortCommit(version.commit)} ${plain(version.subject)}`;
      const since = environment.sinceMs === null ? '' : `  ${out.style.dim(ago(environment.sinceMs, now))}`;
      const dots =
        environment.dots.length <= 60 ? renderDots(environment.dots, out.style) : countDots(environment.dots);
      const where =
        environment.name === null ? environment.environment : `${environment.environment}.${environment.name}`;
      return `  ${where.padEnd(12)} ${stateWord(environment.state, out.style)}  ${dots}  ${what}${since}`;
    }),
    ...item.attention.flatMap((entry) => [`  ${out.style.held('!')} ${entry.sentence}`, `    ${entry.remedy}`]),
  ]);
}
