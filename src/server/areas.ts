import { blameWork } from '../blame/work.ts';
import { controlEffects } from '../disruption/work.ts';
import { fleetWatch } from '../fleet/work.ts';
import { loadsOf, loadWindowMs } from '../judge/index.ts';
import { calibrateWork, judgeWork, watchWork } from '../judge/work.ts';
import { pipelineWork } from '../pipeline/work.ts';
import { rolloutWork } from '../rollout/work.ts';
import { actionRunner } from './adapters/action-runner.ts';
import { configReader } from './adapters/config-reader.ts';
import { sourcePacker } from './adapters/source-packer.ts';
import { controllerCaller, type ReadLoads } from './adapters/task-control.ts';
import type { AgentServer } from './agents/index.ts';
import type { ServerContext } from './context.ts';
import type { DriverRunner } from './drivers/runner.ts';

/** Registers the work and the effects of every area: the only place that knows them all. */
export function registerAreas(context: ServerContext, agents: AgentServer, drivers: DriverRunner): void {
  const { engine, samples, graphs, git, mirrors, artifacts, disk, settings, clock, strategies } = context;
  const pipeline = pipelineWork(
    {
      git,
      config: configReader(mirrors, settings.dataFolder),
      packer: sourcePacker(mirrors, artifacts),
      runner: actionRunner(agents),
      hasRoom: async () => (await disk.checkRoom()).ok,
      graphs,
    },
    () => clock.nowMs(),
  );
  const rollouts = rolloutWork({
    clock,
    limits: settings.limits,
    strategies,
    drivers: context.driverBook,
    driverOf: (name) => (name === agents.driver.name ? agents.driver : drivers.driverOf(name)),
  });
  const kinds = [
    fleetWatch(),
    judgeWork({ samples, inputs: context.verdictInputs, findings: context.sourceFindings }),
    watchWork({ samples }),
    calibrateWork({ samples }),
    ...blameWork({ graphs }),
    ...pipeline.work,
    ...rollouts.work,
  ];
  for (const kind of kinds) engine.registerWork(kind);
  const readLoads: ReadLoads = (job, metric) => {
    const toMs = samples.closedUntilMs();
    return loadsOf(samples.query({ job, metrics: [metric.metric], fromMs: toMs - loadWindowMs, toMs }), metric);
  };
  const control = controlEffects({ call: controllerCaller(settings.dataFolder, readLoads), clock });
  for (const effect of [...pipeline.effects, ...rollouts.effects, ...control]) engine.registerEffect(effect);
}
