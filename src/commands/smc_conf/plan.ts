// SPDX-License-Identifier: MIT
/** What has to be done to make the host what a file says. */
import { changesBetween, type Plan } from './changes.ts';
import type { Configuration } from './configuration.ts';
import { type ConfigurationFile, readConfigurationFile } from './file.ts';
import { type ConfOptions, DEFAULT_FILE } from './options.ts';
import { readRunning, type Source } from './running.ts';

export interface PlannedFile {
  file: ConfigurationFile;
  /** before the changes */
  running: Configuration;
  plan: Plan;
}

/**
 * Reads the file, then the state of the host, and compares them.
 * @throws FileError; SmcError; NetlinkError
 */
export async function planFile(
  source: Source,
  { file, prune }: Pick<ConfOptions, 'file' | 'prune'>,
): Promise<PlannedFile> {
  const wanted = readConfigurationFile(file ?? DEFAULT_FILE);
  const names = [...(wanted.configuration.namespaces?.keys() ?? [])];
  const { state, notRead } = await readRunning(source, names);
  const plan = changesBetween(state, wanted.configuration, { isPruning: prune });
  for (const obstacle of plan.obstacles) {
    const found = notRead.find(({ namespace }) => namespace === obstacle.namespace);
    if (found) obstacle.reason = found.reason;
  }
  return { file: wanted, running: state, plan };
}
