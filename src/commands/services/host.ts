// SPDX-License-Identifier: MIT
/** What the plan has to know about this host. */
import { hasInetSmc } from '../../host/inet-smc.ts';
import { nativeFile } from '../../host/package-files.ts';
import { seccompObstacle } from '../../host/seccomp.ts';
import { systemdKnowsAfSmc } from '../../host/systemd-families.ts';
import { findAddon, findLauncher, findPreloadLibraries } from '../../smc/native-parts.ts';
import type { ServiceHost } from './types.ts';

/** Looks at the host. @throws SmcError when the C part was not built */
export function serviceHost(root: string): ServiceHost {
  const { getxattr } = findAddon();
  return {
    root,
    libraries: findPreloadLibraries(),
    launcher: nativeFile('smc-launch'),
    noSeccomp: findLauncher() ? seccompObstacle(root) : 'smc-launch was not built',
    hasInetSmc: hasInetSmc(root),
    knowsAfSmc: systemdKnowsAfSmc(root),
    getxattr,
  };
}
