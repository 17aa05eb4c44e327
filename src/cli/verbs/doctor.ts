import { formatDuration } from '../../kit/index.ts';
import { exitCodes } from '../failure.ts';
import type { Session } from '../session.ts';

export async function run(session: Session) {
  const report = await session.client.getDoctor();
  const { out } = session;
  out.show(report, () => {
    out.line(`Rollway ${report.version}, ${report.store}, up for ${formatDuration(report.uptimeMs)}`);
    for (const check of report.checks) {
      const sign =
        check.state === 'ok'
          ? out.style.good('✓')
          : check.state === 'warning'
            ? out.style.held('!')
            : out.style.bad('✗');
      out.line(`${sign} ${check.name}: ${check.sentence}`);
      if (check.state !== 'ok' && check.remedy !== null) out.line(`  ${check.remedy}`);
    }
    for (const finding of report.findings) {
      out.line(`${out.style.held('!')} ${finding.sentence}`);
      out.line(`  ${finding.remedy}`);
    }
  });
  return report.checks.some((check) => check.state === 'failing') ? exitCodes.failed : undefined;
}
