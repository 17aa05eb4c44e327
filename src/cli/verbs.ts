import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DeclareLocalVerb, DeclareVerb } from './program.ts';

/**
 * The table of verbs: usage, one line of help, and the file that is loaded when the verb is used.
 * To add a verb: a line here, a file in `verbs/`.
 */
export function declareVerbs(program: Command, declare: { verb: DeclareVerb; localVerb: DeclareLocalVerb }): void {
  const { verb, localVerb } = declare;
  const service = (command: Command) =>
    command.option('-s, --service <name>', 'which service (default: the one of this repository)');
  const environment = (command: Command) => command.option('-e, --environment <name>', 'which environment');
  const reason = (command: Command) => command.option('-r, --reason <text>', 'why; kept in the audit');
  const job = (command: Command) => command.option('-j, --job <name>', 'which of several jobs of the environment');
  const together = (command: Command) =>
    command.option('--together', 'also in the other jobs it goes together with (the default when none is named)');
  const watch = (command: Command) => command.option('-w, --watch', 'keep showing it; Ctrl-C only stops watching');

  program.commandsGroup('Deploy');
  localVerb(program, 'init', 'write a rollway.config.ts that fits this repository', () => import('./verbs/init.ts'));
  localVerb(program, 'lint', 'check the configuration without a server', () => import('./verbs/lint.ts'));
  verb(
    program,
    'plan [commit]',
    'show what a deploy of a commit (default: the current one) would do; changes nothing',
    () => import('./verbs/plan.ts'),
    (c) =>
      job(environment(service(c)))
        .option('--backtest', 'try it and the templates on past releases: time to done against tasks exposed')
        .option('--svg <file>', 'with --backtest: also write the picture there'),
  );
  verb(
    program,
    'deploy [commit]',
    'release a commit (default: the current one) and watch it',
    () => import('./verbs/deploy.ts'),
    (c) =>
      reason(environment(service(c)))
        .option('--hold-after <phase>', 'stop after this phase, to look before widening')
        .option('--for <time>', 'with --hold-after: for so long (`2h`), then it goes back by itself')
        .option('--then <what>', 'with --for: `revert` (default) or `resume`')
        .option('--forward-only', 'it cannot be undone by going back: on failure hold for a person (needs --reason)')
        .option('--plan <hash>', 'refuse when the plan of this hash no longer holds')
        .option('-d, --detach', 'do not watch'),
  );
  for (const [usage, about] of [
    ['restart', 'restart tasks in phases, on what they run'],
    ['move', 'start tasks on other hosts, then stop them where they were'],
    ['resize <tasks>', 'let the job have so many tasks until the next deployment'],
    ['retire', 'stop all tasks of the job and let no release in'],
  ] as const) {
    verb(program, usage, about, taskVerbs[usage.split(' ')[0] as keyof typeof taskVerbs], (c) =>
      taskOptions(usage, job(reason(environment(service(c))))),
    );
  }
  verb(
    program,
    'rollback [version]',
    'go back to an earlier good version',
    () => import('./verbs/rollback.ts'),
    (c) => job(reason(environment(service(c)))),
  );
  verb(
    program,
    'unhold',
    'let releases in again after a rollback',
    () => import('./verbs/rollback.ts').then((m) => ({ run: m.unhold })),
    (c) => reason(environment(service(c))),
  );

  program.commandsGroup('Look');
  verb(program, 'status [service]', 'services by environment', () => import('./verbs/status.ts'), watch);
  verb(
    program,
    'releases',
    'releases of a service, newest first',
    () => import('./verbs/releases.ts'),
    (c) => service(c).option('-n, --limit <n>', 'how many', wholeNumber, 20),
  );
  const rollout = program.command('rollout').description('one rollout: show or list');
  verb(
    rollout,
    'show [rollout]',
    'phases, tasks and checks (default: the newest)',
    () => import('./verbs/rollout-show.ts'),
    (c) => watch(service(c)),
  );
  verb(
    rollout,
    'list',
    'rollouts, newest first',
    () => import('./verbs/rollout-list.ts'),
    (c) => environment(service(c)).option('-n, --limit <n>', 'how many', wholeNumber, 20),
  );
  verb(
    program,
    'logs <what>',
    'output of an action run (run_…), a release’s newest run (rel_…) or a task (<service>@<environment>/<index>)',
    () => import('./verbs/logs.ts'),
    (c) => watch(c).option('-n, --lines <n>', 'how many last lines of a task', wholeNumber, 200),
  );
  localVerb(
    program,
    'explain [what]',
    'why it is as it is or waits, and what unblocks it; `explain config`: every setting and where it comes from',
    () => import('./verbs/explain.ts'),
    service,
  );
  verb(
    program,
    'events',
    'what was decided and done, in order',
    () => import('./verbs/events.ts'),
    (c) =>
      watch(c)
        .option('--stream <name>', 'only of one subject, e.g. rollout/ro_…')
        .option('-n, --limit <n>', 'how many', wholeNumber, 50),
  );
  verb(
    program,
    'audit',
    'who asked for what with which outcome, and what was refused',
    () => import('./verbs/events.ts').then((m) => ({ run: m.audit })),
    (c) => watch(c).option('-n, --limit <n>', 'how many', wholeNumber, 50),
  );
  verb(program, 'ui', 'open the pages: prints a sign-in link that works once', () => import('./verbs/ui.ts'));

  program.commandsGroup('Steer');
  for (const [name, description] of [
    ['pause', 'hold a rollout until somebody resumes it'],
    ['resume', 'end a hold'],
    ['abort', 'stop a rollout and leave the tasks as they are'],
    ['revert', 'stop a rollout and take its tasks back'],
    ['promote', 'widen to everybody now, past the phases between'],
    ['skip-bake', 'do not wait for the rest of the bake'],
    ['pass-barrier', 'go on without waiting for the other jobs it goes together with'],
    ['override-controller', 'ask for leave to go on without the service’s controller; another person confirms'],
    ['confirm-override', 'confirm what another person asked for with override-controller'],
  ] as const) {
    verb(
      program,
      `${name} [rollout]`,
      `${description} (default: the one under way)`,
      () => import('./verbs/command.ts').then((m) => m.command(name)),
      (c) => together(reason(service(c))),
    );
  }
  verb(
    program,
    'raise-budget [rollout]',
    'let more tasks be out for this rollout',
    () => import('./verbs/command.ts').then((m) => m.command('raise-budget')),
    (c) => together(reason(service(c))).requiredOption('--budget <n>', 'how many tasks may be out', wholeNumber),
  );
  verb(program, 'cancel <release>', 'stop a release where it is', () => import('./verbs/cancel.ts'), reason);
  verb(
    program,
    'retry <release> [action]',
    'run a failed or parked action again',
    () => import('./verbs/retry.ts'),
    reason,
  );

  program.commandsGroup('Judge');
  const judge = program.command('judge').description('the judge of versions: its metrics, checks and verdicts');
  type Judging = 'discover' | 'show' | 'replay' | 'label' | 'record' | 'calibrate' | 'tune';
  const judging = (name: Judging) => () =>
    import('./verbs/judge.ts').then((m) => ({ run: m[name] as (typeof m)['discover'] }));
  verb(judge, 'discover [service]', 'what metrics it found, and which checks it would run', judging('discover'));
  verb(
    judge,
    'show [rollout]',
    'both groups, the difference, the limits, and who drives it (default: the newest)',
    judging('show'),
    service,
  );
  verb(
    judge,
    'replay [rollout]',
    'judge each look of a rollout or release (rel_…) again from its samples, and compare',
    judging('replay'),
    service,
  );
  verb(
    judge,
    'label <rollout> <true|false>',
    'say afterwards whether the judge was right about a rollout or release',
    judging('label'),
    (c) => reason(service(c)),
  );
  verb(judge, 'record [service]', 'how each check has done, and what it should become', judging('record'));
  verb(
    judge,
    'calibrate [service]',
    'try the checks on rollouts that never were: how often each alarms although nothing changed',
    judging('calibrate'),
    (c) => c.option('--runs <n>', 'rollouts to make up, 20 to 400 (default 100)', runs),
  );
  verb(judge, 'tune [service]', 'what another setting would have said of the last rollouts', judging('tune'), (c) =>
    c
      .option('--alpha <p>', 'chance of stopping a harmless deployment', number)
      .option('--check <name>', 'change δ and margin of this configured check only')
      .option('--delta <ratio>', 'smallest harm worth acting on, e.g. 0.05', number)
      .option('--margin <ratio>', 'harm that can be lived with, e.g. 0.25', number),
  );
  localVerb(
    judge,
    'import <file>',
    'print a canary configuration of Kayenta as checks of a service',
    () => import('./verbs/judge-import.ts'),
    (c) =>
      c.addOption(
        new Option('--method <method>', 'checks that compare as ours do, or one check by Kayenta’s own method')
          .choices(['rollway', 'kayenta'])
          .default('rollway'),
      ),
  );
  verb(
    judge,
    'token [task]',
    'make a token that may only hand in metrics: of all tasks, a job (shop@production) or a task (shop@production/3)',
    () => import('./verbs/judge-token.ts'),
    (c) =>
      c
        .option('--name <name>', 'what it is called in lists and events', 'push')
        .option('--out <file>', 'where to write it (mode 0600)', './rollway-push-token'),
  );

  const taskcontrol = program.command('taskcontrol').description('a service’s own controller: test');
  localVerb(
    taskcontrol,
    'test <url>',
    'rehearse releases with a TaskController: lost, repeated and late calls, expired acks',
    () => import('./verbs/taskcontrol-test.ts'),
    (c) =>
      c
        .option('--tasks <n>', 'how many tasks the rehearsed job has', wholeNumber, 5)
        .option('--max-out <n>', 'fail when its acks let more tasks than this be out', wholeNumber)
        .option('--job <handle>', 'the job’s name, when the controller knows only its own', 'rehearsal@test')
        .option('--bearer-file <file>', 'send what this file holds as Authorization: Bearer …')
        .option('--timeout <ms>', 'how long one call may take', wholeNumber, 5000),
  );

  const plugin = program.command('plugin').description('strategies and drivers of your own: test');
  localVerb(
    plugin,
    'test <module>',
    'try the strategies of a module on drawn jobs and in whole rollouts, and its drivers with real processes',
    () => import('./verbs/plugin-test.ts'),
    (c) => c.option('--times <n>', 'how many jobs and phases are drawn', wholeNumber, 200),
  );

  program.commandsGroup('Marks');
  verb(
    program,
    'marks',
    'what is marked bad, and where it runs',
    () => import('./verbs/marks.ts'),
    (c) => c.option('--carriers', 'also list the versions that carry them'),
  );
  const mark = program.command('mark').description('mark commits as bad, and what clears a mark');
  verb(
    mark,
    'add <commit...>',
    'mark commits as bad',
    () => import('./verbs/mark.ts').then((m) => ({ run: m.add })),
    (c) =>
      reason(c)
        .option('--repository <name>', 'which repository (default: this one)')
        .option('-t, --target <service...>', 'block only these services'),
  );
  verb(mark, 'show <mark>', 'one mark with its carriers', () =>
    import('./verbs/mark.ts').then((m) => ({ run: m.show })),
  );
  verb(
    mark,
    'clear <mark>',
    'declare it wrong: it blocks nothing any more',
    () => import('./verbs/mark.ts').then((m) => ({ run: m.clear })),
    reason,
  );
  verb(
    mark,
    'fix <mark> <commit>',
    'name the commit that fixes it',
    () => import('./verbs/mark.ts').then((m) => ({ run: m.fix })),
    reason,
  );
  verb(
    mark,
    'override <mark> <version>',
    'let one version through in spite of it',
    () => import('./verbs/mark.ts').then((m) => ({ run: m.override })),
    reason,
  );

  program.commandsGroup('People');
  const token = program.command('token').description('tokens of people and programs: create, list, revoke');
  type Token = 'create' | 'list' | 'revoke';
  const tokens = (name: Token) => () =>
    import('./verbs/token.ts').then((m) => ({ run: m[name] as (typeof m)['create'] }));
  verb(token, 'create', 'make a token; its secret is written into a file, once', tokens('create'), (c) =>
    c
      .requiredOption('--name <name>', 'who it is for, as lists and the audit say')
      .addOption(
        new Option('--role <role>', 'what it may do: look, deploy and steer, or everything')
          .choices(['viewer', 'operator', 'admin'])
          .default('viewer'),
      )
      .option('--expires <time>', 'how long it works, e.g. 30d (default: until it is revoked)')
      .option('--out <file>', 'where to write it (mode 0600; default: ./rollway-<name>.token)'),
  );
  verb(token, 'list', 'tokens, what they may do, when they were used; never their secrets', tokens('list'));
  verb(token, 'revoke <token>', 'take a token away, by id or name; its sessions end too', tokens('revoke'));

  program.commandsGroup('The machine');
  verb(program, 'hosts', 'hosts, what they hold and how they are', () =>
    import('./verbs/hosts.ts').then((m) => ({ run: m.list })),
  );
  const host = program.command('host').description('declare a host dead, let it leave or stay, forget it');
  verb(
    host,
    'dead <host>',
    'nothing runs there any more: its tasks may start elsewhere',
    () => import('./verbs/hosts.ts').then((m) => ({ run: m.dead })),
    reason,
  );
  verb(
    host,
    'leave <host>',
    'move its tasks away within the budget',
    () => import('./verbs/hosts.ts').then((m) => ({ run: m.leave })),
    reason,
  );
  verb(
    host,
    'stay <host>',
    'it does not leave after all',
    () => import('./verbs/hosts.ts').then((m) => ({ run: m.stay })),
    reason,
  );
  verb(
    host,
    'remove <host>',
    'forget a host that is gone or leaving and has no tasks',
    () => import('./verbs/hosts.ts').then((m) => ({ run: m.remove })),
    reason,
  );
  const maintenance = program
    .command('maintenance')
    .description('work on hosts: open, list, show, extend, end, cancel');
  const maintaining = (name: 'open' | 'list' | 'show' | 'extend' | 'end' | 'cancel') => () =>
    import('./verbs/maintenance.ts').then((m) => ({ run: m[name] as (typeof m)['open'] }));
  verb(
    maintenance,
    'open [host]',
    'announce work on a host or domain: its tasks leave in time',
    maintaining('open'),
    (c) =>
      reason(c)
        .option('--domain <label=value>', 'all hosts with this label: rack=a')
        .option(
          '--from <time>',
          'when the work begins and what is left is stopped: 30m, 14:30, a date (default: after the lead)',
        )
        .option('--lead <duration>', 'how long before that tasks begin to leave (default: 15m)')
        .option('--for <duration>', 'how long the work takes')
        .option('--until <time>', 'when it is over, instead of --for')
        .option('--hosts-stay-up', 'the work leaves processes alone: whoever rides it out is not stopped')
        .option('--fixed', 'do not wait for other maintenance, though both together break a budget')
        .option('--plan', 'only show what it would mean')
        .option('-w, --watch', 'keep showing it; Ctrl-C only stops watching'),
  );
  verb(maintenance, 'list', 'what is under maintenance, or will be', maintaining('list'), (c) =>
    c.option('--all', 'also what is over'),
  );
  verb(maintenance, 'show <maintenance>', 'how far it is, what still runs there, and why', maintaining('show'), watch);
  verb(maintenance, 'extend <maintenance>', 'put the work off, or let it take longer', maintaining('extend'), (c) =>
    reason(c)
      .option('--until <time>', 'when the work is over')
      .option('--deadline <time>', 'when the work begins, later than was said'),
  );
  verb(maintenance, 'end <maintenance>', 'the work is over: the hosts may be used again', maintaining('end'), reason);
  verb(maintenance, 'cancel <maintenance>', 'it does not take place', maintaining('cancel'), reason);
  verb(program, 'doctor', 'check the server, its store and its hosts', () => import('./verbs/doctor.ts'));
  const work = program.command('work').description('work that was set aside after repeated failures');
  verb(work, 'list', 'what is parked, and why', () => import('./verbs/work.ts').then((m) => ({ run: m.list })));
  verb(
    work,
    'retry <kind> <key>',
    'run it again',
    () => import('./verbs/work.ts').then((m) => ({ run: m.retry })),
    (c) => reason(c).option('--effect', 'it is an effect, not a decision'),
  );
  verb(
    work,
    'drop <effect>',
    'say that it need not be tried again: what waits behind it goes on',
    () => import('./verbs/work.ts').then((m) => ({ run: m.drop })),
    reason,
  );
  localVerb(
    program,
    'server',
    'run the control plane',
    () => import('./verbs/server.ts'),
    (c) =>
      c
        .option('--data <folder>', 'where everything is kept', './rollway-data')
        .option('--port <n>', 'port of API and pages', wholeNumber, 7070)
        .option('--agent-port <n>', 'port for agents, on all addresses', wholeNumber, 7071)
        .option(
          '--store <url>',
          'postgres://… instead of the embedded SQLite; the password comes from the environment or a .pgpass file',
        )
        .option('--rate <rate>', 'tasks of all services that may be taken out within a time, e.g. 100/1m')
        .option(
          '--plugin <module...>',
          'modules with strategies and drivers of your own (docs/plugins.md); also ROLLWAY_PLUGINS=a,b',
        )
        .option('--rate-per <label=rate,…>', 'the same for each rack, region …, e.g. rack=5/1m,region=50/1m')
        .addOption(new Option('--bin-ms <ms>', 'length of a bin of metrics').argParser(wholeNumber).hideHelp())
        .addOption(new Option('--next-port', 'take the next free port when it is in use').hideHelp())
        .addOption(new Option('--tether', 'end when standard input ends').hideHelp()),
  );
  const agent = localVerb(
    program,
    'agent',
    'run the agent of this host',
    () => import('./verbs/agent.ts'),
    (c) =>
      c
        .option('--join <file>', 'token file made by `rollway agent token` (first start only)')
        .option('--data <folder>', 'where this host keeps its things', './rollway-agent')
        .option('--name <host>', 'name of the host (default: the machine’s)')
        .option('--address <ip>', 'address its tasks listen on (default: found out)')
        .option('--label <key=value...>', 'region=…, rack=… and others')
        .option('--tasks <n>', 'how many tasks it takes at most (default: what the machine has)')
        .option('--hide <folder...>', 'folders that builds must not see')
        .addOption(new Option('--stop-tasks', 'ending it ends its tasks').hideHelp())
        .addOption(new Option('--tether', 'end when standard input ends').hideHelp()),
  );
  verb(
    agent,
    'token',
    'make a token file for one new host; works once, for an hour',
    () => import('./verbs/agent-token.ts'),
    (c) => c.option('--out <file>', 'where to write it', './rollway-join.json'),
  );
  localVerb(
    program,
    'proxy',
    'a reverse proxy that follows a job’s tasks',
    () => import('./verbs/proxy.ts'),
    (c) =>
      c
        .requiredOption('--job <job>', 'e.g. guestbook@production')
        .option('--listen <address>', 'address and port to listen on', '127.0.0.1:8080')
        .option('--task-port <name>', 'name of the tasks’ port', 'http')
        .addOption(new Option('--tether', 'end when standard input ends').hideHelp()),
  );
  localVerb(
    program,
    'demo',
    'everything on this machine, with a tour (what `npm start` runs)',
    () => import('./verbs/demo.ts'),
    (c) =>
      c
        .option('--no-tour', 'start without the tour')
        .option('--data <folder>', 'where everything is kept')
        .option('--port <n>', 'port of API and pages', wholeNumber, 7070)
        .option('--hosts <n>', 'how many local hosts', wholeNumber, 6)
        .option('--exit-after-tour', 'stop when the tour is over'),
  );
}

function number(text: string): number {
  const n = Number(text);
  if (!Number.isFinite(n) || n < 0) throw new InvalidArgumentError('It must be a number, not below 0.');
  return n;
}

function runs(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 20 || n > 400) {
    throw new InvalidArgumentError('It must be a whole number from 20 to 400.');
  }
  return n;
}

function wholeNumber(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 0) throw new InvalidArgumentError('It must be a whole number.');
  return n;
}

const taskVerbs = {
  restart: () => import('./verbs/restart.ts'),
  move: () => import('./verbs/move.ts'),
  resize: () => import('./verbs/resize.ts'),
  retire: () => import('./verbs/retire.ts'),
};

function taskOptions(usage: string, c: Command): Command {
  const isRound = usage === 'restart' || usage === 'move';
  if (isRound) c.option('--tasks <list>', 'only these, e.g. 0-3,7 (default: all)');
  if (isRound) c.option('--at-once <n>', 'at most so many at once; the budget limits it further', wholeNumber);
  if (usage === 'retire') c.option('--confirm <job>', 'the name of the job, to show that it is meant');
  return c
    .option('--plan <hash>', 'carry it out if the plan is still this one')
    .option('--yes', 'carry it out without looking at the plan first');
}
