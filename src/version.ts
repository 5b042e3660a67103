// SPDX-License-Identifier: MIT
import { createRequire } from 'node:module';

/** Replaced by the build, so that a bundle does not read package.json at start-up. */
declare const SMC_TOOLS_VERSION: string | undefined;

/** Version of this package, as in package.json. */
export const version: string =
  typeof SMC_TOOLS_VERSION === 'string'
    ? SMC_TOOLS_VERSION
    : (createRequire(import.meta.url)('../package.json') as { version: string }).version;
