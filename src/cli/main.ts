import { readFileSync } from 'node:fs';

/** The `rollway` command. `--version` is answered before anything else is loaded. */
const args = process.argv.slice(2);
// Who reads us (`| head`) may stop reading: then we are done.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  console.log(version);
} else {
  const { runProgram } = await import('./program.ts');
  process.exitCode = await runProgram(args);
}
