// SPDX-License-Identifier: MIT
/** Sockets that systemd opens for a service. */
import {
  isYes,
  listOf,
  nameParts,
  readUnit,
  settingOf,
  splitWords,
  type Unit,
  unitNames,
} from '../../host/systemd-unit.ts';

/** Socket units that pass TCP sockets to the service. */
function socketUnits(unit: Unit, root: string): { name: string; ports: string[] }[] {
  const { prefix, instance } = nameParts(unit.name);
  const own = splitWords(
    listOf(unit, 'Sockets')
      .map(({ value }) => value)
      .join(' '),
  ).map(({ text }) => text);
  return unitNames('socket', root).flatMap((name) => {
    const socket = readUnit(name, root);
    if (typeof socket === 'string' || socket.name !== name) return [];
    const serves = settingOf(socket, 'Service', 'Socket');
    const isForUs =
      serves === unit.name ||
      own.includes(name) ||
      (serves === undefined && nameParts(name).prefix === prefix && nameParts(name).instance === instance) ||
      // with Accept=yes each connection gets an instance
      (instance !== undefined && name === `${prefix}.socket` && isYes(settingOf(socket, 'Accept', 'Socket')));
    const ports = listOf(socket, 'ListenStream', 'Socket')
      .map(({ value }) => value)
      .filter((value) => !/^[/@%]|^vsock:/.test(value));
    return isForUs && ports.length > 0 ? [{ name, ports }] : [];
  });
}

/** What the socket units of a service mean for it, as remarks. */
export function socketActivation(unit: Unit, root: string): string[] {
  return socketUnits(unit, root).map(
    ({ name, ports }) =>
      `${name} makes systemd itself listen on ${ports.join(', ')}, and such a socket stays TCP; stop and disable ${name} if the program can listen itself`,
  );
}
