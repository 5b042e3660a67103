// SPDX-License-Identifier: MIT
/** Services that run over SMC, in the words of the file. */
import { readUnit } from '../../host/systemd-unit.ts';
import type { Conversion } from '../services/conversion.ts';
import { enabledConversion, enabledUnits } from '../services/drop-in.ts';
import type { ServiceSettings } from './configuration.ts';

/** The services that are enabled, with their settings; none for a drop-in that was changed by hand. */
export function readServices(root: string): Map<string, ServiceSettings> {
  return new Map(
    enabledUnits(root).map((unit) => {
      const conversion = enabledConversion(unit, root);
      return [unit, conversion ? settingsOf(conversion) : {}];
    }),
  );
}

/** The same services by the names of their units: a file may use an alias. */
export function withoutAliases(
  services: ReadonlyMap<string, ServiceSettings>,
  root: string,
): Map<string, ServiceSettings> {
  return new Map(
    [...services].map(([name, settings]) => {
      const unit = readUnit(name, root);
      return [typeof unit === 'string' ? name : unit.name, settings];
    }),
  );
}

function settingsOf({ via, socket, isStrict, debug, ...rest }: Conversion): ServiceSettings {
  const { rcvbuf, sndbuf, only, except } = rest;
  return {
    ...(debug && { debug }),
    ...(rcvbuf !== undefined && { rcvbuf }),
    ...(sndbuf !== undefined && { sndbuf }),
    ...(via !== 'auto' && { via }),
    ...(socket !== undefined && { socket }),
    ...(isStrict && { strict: isStrict }),
    ...(only.length > 0 && { only }),
    ...(except.length > 0 && { except }),
  };
}

/** What smc_run is told by these settings. */
export function conversionOf(settings: ServiceSettings): Conversion {
  const { via = 'auto', socket, strict = false, debug = false, rcvbuf, sndbuf } = settings;
  const { only = [], except = [] } = settings;
  return { via, socket, isStrict: strict, debug, rcvbuf, sndbuf, only, except };
}
