// SPDX-License-Identifier: MIT
import type { OverviewDocument } from '../../../documents/smc_exporter-page.ts';

/** Title of the window: the answer and the host. */
export const titleOf = ({ verdict, host }: Pick<OverviewDocument, 'verdict' | 'host'>): string =>
  `${TITLES[verdict.state]}${host.name === null ? '' : ` – ${host.name}`}`;

const TITLES: Readonly<Record<OverviewDocument['verdict']['state'], string>> = {
  works: 'SMC works',
  partly: 'SMC works partly',
  fails: 'SMC does not work',
  unused: 'SMC is not used',
  unknown: 'SMC',
};
