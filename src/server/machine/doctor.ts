import type { DoctorReport } from '../../api/index.ts';
import { explainCalibrationTurn } from '../../judge/index.ts';
import type { CalibrationTurn } from '../../judge/read.ts';
import { fleetDriver, isSameDriver } from '../../model/index.ts';
import type { Plugin } from '../plugins/load.ts';
import type { ServerSettings } from '../settings.ts';
import { decideFindings, type FindingFacts } from './findings.ts';

export interface DoctorFacts {
  readonly facts: FindingFacts;
  readonly settings: Pick<ServerSettings, 'version' | 'dataFolder' | 'leastFreeDiskRatio'>;
  readonly plugins: readonly Plugin[];
  /** Of each job whose checks are tried by themselves: the last time and the next. */
  readonly calibrations: readonly CalibrationTurn[];
  readonly storeKind: 'sqlite' | 'postgres';
  readonly startedAtMs: number;
  readonly nowMs: number;
  readonly isConnected: (host: string) => boolean;
  /** What takes the network from a configuration while it is evaluated, on this very machine. */
  readonly configurations: { readonly noNetwork: boolean; readonly detail: string };
}

type Check = DoctorReport['checks'][number];

/** Everything that is looked at, good or not, and the findings. Pure. */
export function decideDoctor(given: DoctorFacts): DoctorReport {
  const { facts, settings, storeKind, startedAtMs, nowMs } = given;
  return {
    version: settings.version,
    store: storeKind,
    uptimeMs: nowMs - startedAtMs,
    checks: [
      storeCheck(storeKind),
      diskCheck(facts),
      hostsCheck(given),
      isolationCheck(facts),
      configurationCheck(given),
      pluginsCheck(given),
      workCheck(facts),
      calibrationCheck(given),
    ],
    findings: decideFindings(facts),
  };
}

function storeCheck(kind: string): Check {
  return { name: 'store', state: 'ok', sentence: `The ${kind} store answers.`, remedy: null };
}

function pluginsCheck({ plugins }: DoctorFacts): Check {
  const of = (what: 'strategies' | 'drivers') =>
    plugins.flatMap((one) => (one[what].length === 0 ? [] : [`${one[what].join(', ')} (${one.file})`])).join('; ');
  const [strategies, drivers] = [of('strategies'), of('drivers')];
  const each = [
    ...(strategies === '' ? [] : [`Strategies: ${strategies}.`]),
    ...(drivers === '' ? [] : [`Drivers: ${drivers}.`]),
  ];
  const sentence = each.length === 0 ? 'None; the strategies are Rollway’s own.' : each.join(' ');
  return { name: 'plug-ins', state: 'ok', sentence, remedy: null };
}

function diskCheck({ freeDiskRatio, leastFreeDiskRatio }: FindingFacts): Check {
  const percent = Math.floor(freeDiskRatio * 100);
  const isLow = freeDiskRatio < leastFreeDiskRatio;
  return {
    name: 'disk',
    state: isLow ? 'failing' : freeDiskRatio < 2 * leastFreeDiskRatio ? 'warning' : 'ok',
    sentence: `${percent} % of the server's disk is free${isLow ? '; builds do not start' : ''}.`,
    remedy: isLow ? 'Free space; builds resume by themselves.' : null,
  };
}

function hostsCheck({ facts, isConnected, settings }: DoctorFacts): Check {
  // Those of other drivers have no agents; what is wrong with them is a finding.
  const hosts = facts.hosts.filter(({ driver }) => isSameDriver(driver, fleetDriver));
  if (hosts.length === 0) {
    return {
      name: 'hosts',
      state: 'warning',
      sentence: 'No host has joined.',
      remedy: 'Add one: `rollway agent token`.',
    };
  }
  const silent = hosts.filter((host) => host.state !== 'up' || !isConnected(host.id));
  const foreign = hosts.filter((host) => host.agentVersion !== settings.version);
  if (silent.length > 0) {
    const names = silent.map(({ id }) => id).join(', ');
    return {
      name: 'hosts',
      state: 'warning',
      sentence: `Not heard or not connected: ${names}.`,
      remedy: 'Start their agents.',
    };
  }
  if (foreign.length > 0) {
    const names = foreign.map(({ id, agentVersion }) => `${id} (${agentVersion})`).join(', ');
    const sentence = `Agents of another version than ${settings.version}: ${names}.`;
    return { name: 'hosts', state: 'warning', sentence, remedy: 'Install the server’s version there.' };
  }
  return { name: 'hosts', state: 'ok', sentence: `All ${hosts.length} hosts are up and connected.`, remedy: null };
}

/** Limits and isolation differ by machine; what a host cannot do is said, not hidden. */
function isolationCheck({ hosts }: FindingFacts): Check {
  const own = hosts.filter(({ driver }) => isSameDriver(driver, fleetDriver));
  const bare = own.filter((host) => !host.abilities.includes('hidden-folders'));
  if (bare.length === 0) {
    return { name: 'isolation', state: 'ok', sentence: 'Builds and actions run in a sandbox.', remedy: null };
  }
  return {
    name: 'isolation',
    state: 'warning',
    sentence: `Builds and actions can read what the agent's user can on ${bare.map(({ id }) => id).join(', ')}.`,
    remedy:
      'It takes user namespaces, and `unshare`, `mount` and `setpriv` of util-linux, there; without them run builds only from repositories you trust.',
  };
}

function configurationCheck({ configurations: { noNetwork, detail } }: DoctorFacts): Check {
  return {
    name: 'configurations',
    state: noNetwork ? 'ok' : 'warning',
    sentence: `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`,
    remedy: noNetwork
      ? null
      : 'It takes network namespaces, and `unshare` of util-linux, where the server runs; without them watch only repositories you trust.',
  };
}

function workCheck({ parkedWork, parkedEffects }: FindingFacts): Check {
  const count = parkedWork.length + parkedEffects.length;
  if (count === 0) return { name: 'work', state: 'ok', sentence: 'Nothing is set aside.', remedy: null };
  return {
    name: 'work',
    state: 'warning',
    sentence: `${count} pieces of work are set aside.`,
    remedy: 'See the findings.',
  };
}

/** Of many jobs those that come next are named; `rollway judge record` tells of each. */
function calibrationCheck({ calibrations }: DoctorFacts): Check {
  const name = 'calibration';
  const next = calibrations.toSorted((a, b) => a.nextAtMs - b.nextAtMs)[0];
  if (next === undefined)
    return { name, state: 'ok', sentence: explainCalibrationTurn(undefined, 'auto'), remedy: null };
  const jobs = calibrations.length === 1 ? '' : `Of ${calibrations.length} jobs the next is ${next.job}. `;
  const sentence = `${jobs || `${next.job}: `}${explainCalibrationTurn(next, 'auto')}`;
  return { name, state: 'ok', sentence, remedy: null };
}
