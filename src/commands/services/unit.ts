// SPDX-License-Identifier: MIT
/** The unit that a word of the command line names. */
import { UsageError } from '../../cli/options.ts';
import { readUnit, type Unit } from '../../host/systemd-unit.ts';
import { SmcError } from '../../smc/error.ts';

const TYPES = /\.(socket|device|mount|automount|swap|target|path|timer|slice|scope)$/;

/** Name of a service, with its suffix. @throws UsageError */
export function serviceName(text: string): string {
  const type = TYPES.exec(text)?.[1];
  if (type) throw new UsageError(`${text} is a ${type}, which starts no program: name the service`);
  const name = text.endsWith('.service') ? text : `${text}.service`;
  if (!/^[\w:.\\@-]+\.service$/.test(name) || name.startsWith('@') || name.length > 255)
    throw new UsageError(`'${text}' is not the name of a unit`);
  return name;
}

/**
 * Reads the unit of a service.
 * @param without name of drop-ins to be ignored
 * @throws SmcError when there is no such unit, or it is masked
 */
export function serviceUnit(name: string, root: string, without?: string): Unit {
  const unit = readUnit(name, root, without);
  if (unit === 'masked')
    throw new SmcError('NOT_SUPPORTED', `${name} is masked, so it cannot start`, {
      hint: `systemctl unmask ${name}`,
    });
  if (unit === 'missing')
    throw new SmcError('NOT_FOUND', `there is no unit ${name}`, {
      hint: 'systemctl list-unit-files --type=service shows what there is',
    });
  return unit;
}

/** The name for systemctl restart, as a word of a shell: a template stands for all its instances. */
export const restartable = (name: string): string =>
  name.replace('@.service', "@*.service'").replace(/^(.*')$/, "'$1");
