import type { Session } from '../session.ts';

export async function run(session: Session) {
  const code = await session.client.createSignInCode();
  session.out.show({ url: code.url, expiresAtMs: code.expiresAtMs }, () => {
    session.out.line(code.url);
    session.out.line(session.out.style.dim('It signs one browser in, once, within ten minutes.'));
  });
  return undefined;
}
