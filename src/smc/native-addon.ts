// SPDX-License-Identifier: MIT
/** The native addon for callers that cannot do without. */
import { loadAddon, type NativeAddon } from '../host/native-addon.ts';
import { buildHint, nativeFile } from '../host/package-files.ts';
import { SmcError } from './error.ts';

/** @throws SmcError NOT_SUPPORTED when it is missing or cannot be loaded */
export function findAddon(): NativeAddon {
  try {
    return loadAddon();
  } catch (cause) {
    throw new SmcError(
      'NOT_SUPPORTED',
      `the native addon cannot be loaded (${nativeFile('smc-native.node')})`,
      { hint: buildHint(), cause },
    );
  }
}
