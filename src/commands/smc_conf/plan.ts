// SPDX-License-Identifier: MIT
/** What has to be done to make the host what a file says. */
import { SmcError } from '../../smc/error.ts';
import { changesBetween, type Plan } from './changes.ts';
import type { Configuration } from './configuration.ts';
import { detachedInterfaces, detachedPorts } from './detached.ts';
import { type ConfigurationFile, readConfigurationFile } from './file.ts';
import { type Memory, recallIfReadable } from './memory.ts';
import { type ConfOptions, DEFAULT_FILE } from './options.ts';
import { readRunning, type Source } from './running.ts';
import { withoutAliases } from './services.ts';

export interface Planned {
  /** before the changes */
  running: Configuration;
  plan: Plan;
}

export interface PlannedFile extends Planned {
  file: ConfigurationFile;
}

/**
 * Reads the file, then the state of the host, and compares them.
 * @throws FileError; SmcError; NetlinkError
 */
export async function planFile(
  source: Source,
  options: Pick<ConfOptions, 'file' | 'prune' | 'only'>,
): Promise<PlannedFile> {
  const file = await readConfigurationFile(options.file ?? DEFAULT_FILE);
  const wanted = wantedOf(file, options, source);
  const planned = await planFor(source, wanted, options.prune, recallIfReadable(source.hostRoot));
  checkOnly(planned.plan, options);
  return { file, ...planned };
}

/** The one network namespace that is asked for has to be there. @throws SmcError NOT_FOUND */
export function checkOnly({ obstacles }: Plan, { only }: Pick<ConfOptions, 'only'>): void {
  const missing = obstacles.find(({ namespace, object }) => namespace === only && object === undefined);
  if (only !== undefined && missing)
    throw new SmcError('NOT_FOUND', `network namespace '${only}' cannot be set up: ${missing.reason}`);
}

/** What of a file is to be applied. @throws SmcError NOT_FOUND */
export function wantedOf(
  { name, configuration }: ConfigurationFile,
  { only }: Pick<ConfOptions, 'only'>,
  { hostRoot }: Pick<Source, 'hostRoot'>,
): Configuration {
  const { services, namespaces } = configuration;
  if (only === undefined)
    return { ...configuration, ...(services && { services: withoutAliases(services, hostRoot) }) };
  const settings = namespaces?.get(only);
  if (!settings)
    throw new SmcError('NOT_FOUND', `${name} has no network namespace '${only}'`, {
      hint: 'add it to the section namespaces',
    });
  return { namespaces: new Map([[only, settings]]) };
}

/** Compares the host with what is wanted. @throws SmcError; NetlinkError */
export async function planFor(
  source: Source,
  wanted: Configuration,
  isPruning: boolean,
  memory: Memory,
): Promise<Planned> {
  const { state, notRead, ports } = await readRunning(source, [...(wanted.namespaces?.keys() ?? [])]);
  const detached = new Set([
    ...detachedPorts(state, ports),
    ...detachedInterfaces(state, memory, source.hostRoot),
  ]);
  const plan = changesBetween(state, wanted, { isPruning, detached });
  for (const obstacle of plan.obstacles) {
    const found = notRead.find(({ namespace }) => namespace === obstacle.namespace);
    if (found) obstacle.reason = found.reason;
  }
  return { running: state, plan };
}
