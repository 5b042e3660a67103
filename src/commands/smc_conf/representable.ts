// SPDX-License-Identifier: MIT
/** What of the running state a file can have: other programs can give the kernel names and values that we refuse. */
import { checkUeid } from '../../smc/eids.ts';
import { SmcError } from '../../smc/error.ts';
import { checkDeviceName, checkInterfaceName, checkPnetId } from '../../smc/pnet-table.ts';
import { checkSysctl } from '../../smc/sysctls.ts';
import { memberText } from './change-text.ts';
import type { Configuration, NamespaceSettings, PnetNetwork } from './configuration.ts';

/**
 * @returns the state without what a file cannot have, and that in words
 */
export function representable(state: Configuration): { state: Configuration; leftOut: string[] } {
  const leftOut: string[] = [];
  const ueids = state.ueids?.filter((ueid) => passes(() => checkUeid(ueid), `UEID ${ueid}`, leftOut));
  const namespaces =
    state.namespaces &&
    new Map(
      [...state.namespaces].map(([name, settings]) => {
        const inside: string[] = [];
        const result = settingsOf(settings, inside);
        leftOut.push(...inside.map((text) => `in network namespace ${name}: ${text}`));
        return [name, result] as const;
      }),
    );
  return { state: { ...state, ...settingsOf(state, leftOut), ueids, namespaces }, leftOut };
}

function settingsOf(settings: NamespaceSettings, leftOut: string[]): NamespaceSettings {
  const sysctls =
    settings.sysctls &&
    new Map(
      [...settings.sysctls].filter(([name, value]) =>
        passes(() => checkSysctl(name, value), `sysctl ${name} with the value ${value}`, leftOut),
      ),
    );
  const pnet =
    settings.pnet &&
    new Map(
      [...settings.pnet]
        .map(([id, network]) => [id, networkOf(id, network, leftOut)] as const)
        .filter(([, { interfaces, devices }]) => interfaces.length + devices.length > 0),
    );
  return { ...settings, pnet, sysctls };
}

function networkOf(id: string, { interfaces, devices }: PnetNetwork, leftOut: string[]): PnetNetwork {
  const inside = `in PNET ID ${id}`;
  const isId = (): void => {
    checkPnetId(id);
  };
  return {
    interfaces: interfaces.filter((name) =>
      passes(() => [isId(), checkInterfaceName(name)], `interface ${name} ${inside}`, leftOut),
    ),
    devices: devices.filter((device) =>
      passes(() => [isId(), checkDeviceName(device.name)], `${memberText({ device })} ${inside}`, leftOut),
    ),
  };
}

function passes(check: () => unknown, words: string, leftOut: string[]): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (!(error instanceof SmcError)) throw error;
    leftOut.push(words);
    return false;
  }
}
