// SPDX-License-Identifier: MIT
/** PostgreSQL of Debian, whose servers do not get the environment of their unit. */
import { basename, dirname } from 'node:path';
import { withBlock, withoutBlock } from '../../host/drop-in.ts';
import { inDirectory } from '../../host/safe-directory.ts';
import { expandSpecifiers, nameParts, type Unit, unitNames } from '../../host/systemd-unit.ts';
import { UntrustedError } from '../../host/untrusted-error.ts';
import { changedByHand, refuse } from './refusal.ts';
import type { Command, Plan } from './types.ts';

/** First words of the comment above the block in an environment file of PostgreSQL. */
export const BLOCK_WORDS = 'added by smc_run';

/** Whether a command starts a cluster. */
export const isPgCtlCluster = ([program = '']: readonly string[]): boolean =>
  program.endsWith('/pg_ctlcluster');

/** postgresql.service of Debian only groups the units of the clusters, and runs /bin/true. @throws SmcError for it */
export function checkPostgresService(unit: Unit, commands: readonly Command[], root: string): void {
  const isEmpty = commands.every(({ argv }) => /^(\/usr)?\/bin\/true$/.test(argv[0] ?? ''));
  if (!isEmpty) return;
  const clusters = unitNames('service', root).includes(`${nameParts(unit.name).prefix}@.service`);
  throw refuse(
    `${unit.name} runs no program of its own`,
    clusters ? `name an instance, such as ${nameParts(unit.name).prefix}@15-main.service` : undefined,
  );
}

/**
 * The change to the file `environment` of the cluster. pg_ctlcluster starts the server with the variables of that file and
 * no others. Its format is that of postgresql.conf.
 * @throws SmcError when there is no such file, or it already sets LD_PRELOAD
 */
export function postgresEnvironment(
  unit: Unit,
  commands: readonly Command[],
  values: readonly (readonly [string, string])[],
  root: string,
): NonNullable<Plan['environmentFile']> {
  const words = commands.flatMap(({ argv }) => argv.map((word) => expandSpecifiers(word, unit.name)));
  const [, version, cluster] = words.map((word) => /^(\d[\d.]*)-([^/]+)$/.exec(word)).find(Boolean) ?? [];
  if (!version || !cluster)
    throw refuse(
      `${unit.name} does not name a cluster`,
      'name an instance, such as postgresql@15-main.service',
    );
  const path = `/etc/postgresql/${version}/${cluster}/environment`;
  const content = environmentText(path, root);
  if (content === null) throw refuse(`${path} does not exist`);
  const found = withoutBlock(content, BLOCK_WORDS);
  if (found?.seal === 'changed') throw changedByHand(path);
  const before = found?.text ?? content;
  if (/^\s*LD_PRELOAD\s*=/m.test(before))
    throw refuse(`${path} already sets LD_PRELOAD`, 'append the library of smc_run to it by hand');
  const block = values.map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`).join('');
  return { path, before, after: withBlock(before, `${BLOCK_WORDS} --enable ${unit.name}`, block) };
}

/** More than any such file needs. */
const ENVIRONMENT_LIMIT = 1 << 20;

/**
 * Content of an environment file; null when it does not exist. Its directory belongs to the user of the service, who may
 * have put a link to another file there.
 * @throws SmcError
 */
export function environmentText(path: string, root: string): string | null {
  try {
    const found = inDirectory(dirname(path), { root }, (directory) =>
      directory.read(basename(path), ENVIRONMENT_LIMIT),
    );
    return found ? found.content.toString('utf8') : null;
  } catch (error) {
    if (error instanceof UntrustedError) throw refuse(`${error.path} is not used: ${error.message}`);
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
