import type { Scenario } from './scenario.ts';
import { simulatedControl } from './services.ts';
import { jobId } from './versions.ts';

/** The job as a person wants it. */
export function wantedJob(scenario: Scenario, hasService: boolean) {
  return {
    id: jobId,
    service: 'guestbook',
    environment: 'production',
    wantedSize: scenario.size,
    budget: scenario.budget,
    env: {},
    hostLabels: {},
    limits: scenario.limits,
    onMaintenance: scenario.onMaintenance,
    driver: 'simulated',
    taskControl: hasService ? simulatedControl : undefined,
  };
}
