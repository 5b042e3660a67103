// SPDX-License-Identifier: MIT
/** smc_run --status: which services are enabled, and whether their processes are converted. */
import { join } from 'node:path';
import { writeDocument } from '../../../cli/print.ts';
import type { Context } from '../../../cli/run.ts';
import type { ServiceRow, ServicesDocument } from '../../../documents/smc_run.ts';
import { contentOf, sealOf } from '../../../host/drop-in.ts';
import { readUnit } from '../../../host/systemd-unit.ts';
import { processesOf } from '../../../host/unit-processes.ts';
import { dropInOf, enabledUnits, NOTHING_ENABLED } from '../../services/drop-in.ts';
import { serviceUnit } from '../../services/unit.ts';

/** Status of `--status UNIT` for a unit that is not enabled. */
const STATUS_NOT_ENABLED = 3;

/**
 * Prints the state of one service, or of all that are enabled.
 * @param asked name of the service
 * @returns exit status
 */
export function status(
  { io, note, hostRoot: root, paint }: Context,
  json: boolean,
  asked: string | undefined,
): number {
  const names = asked === undefined ? enabledUnits(root) : [serviceUnit(asked, root).name];
  const states = names.map((name) => stateOf(name, root));
  if (json) writeDocument<ServicesDocument>({ io }, { services: states });
  else {
    if (states.length === 0) note(NOTHING_ENABLED);
    for (const state of states) {
      const line = `${state.unit.padEnd(30)} ${(state.way ?? '-').padEnd(10)} ${inWords(state)}`;
      io.write(`${state.enabled ? line : paint('dim', line)}\n`);
    }
  }
  return asked !== undefined && !states[0]?.enabled ? STATUS_NOT_ENABLED : 0;
}

function stateOf(unit: string, root: string): ServiceRow {
  const path = dropInOf(unit);
  const content = contentOf(join(root, path));
  const way =
    content === null
      ? null
      : /; also /.test(sealOf(content).words)
        ? 'postgresql'
        : /^ExecStart=$/m.test(content)
          ? 'seccomp'
          : 'preload';
  return {
    unit,
    enabled: content !== null,
    file: content === null ? null : path,
    seal: content === null ? null : sealOf(content).seal,
    way,
    exists: typeof readUnit(unit, root) !== 'string',
    processes: processesOf(unit, root),
  };
}

/** One line for people. */
function inWords({ enabled, seal, exists, processes }: ServiceRow): string {
  const parts: string[] = [enabled ? 'enabled' : 'not enabled'];
  if (seal === 'changed') parts.push('changed by hand');
  if (seal === 'foreign') parts.push('by a file that smc_run did not make');
  if (!exists) parts.push('the unit no longer exists');
  if (!processes) parts.push('not running');
  else {
    parts.push(`${processes.converted} of ${processes.all} processes converted`);
    if (enabled && processes.converted === 0) parts.push('restart it');
  }
  return parts.join(', ');
}
