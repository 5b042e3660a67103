// SPDX-License-Identifier: MIT
/** What an administrator has set: PNET table, EIDs, handshake limitation, sysctls. */
import { SYSCTLS, type SysctlSpec } from '../../../smc/sysctls.ts';
import { gauge, type Metric } from '../metric.ts';
import { defineCollector } from './collector.ts';

const entries = gauge({
  name: 'smc_pnet_entries',
  help: 'Entries of the PNET table.',
  labels: ['kind'],
});

const entryInfo = gauge({
  name: 'smc_pnet_entry_info',
  help: 'Always 1. The labels are an entry of the PNET table: an interface (kind ethernet), or a device with a port.',
  labels: ['pnetid', 'kind', 'name', 'port'],
});

export const pnet = defineCollector({
  name: 'pnet',
  about: 'The PNET table.',
  onByDefault: true,
  needs: ['pnetTable'],
  metrics: [entries, entryInfo],
  collect({ pnetTable }, samples) {
    if (!pnetTable) return;
    for (const kind of ['ethernet', 'device'] as const)
      samples.add(entries, pnetTable.filter((entry) => entry.kind === kind).length, { kind });
    for (const { pnetId, kind, ethName, ibName, ibPort } of pnetTable) {
      const isDevice = kind === 'device';
      const [name, port] = isDevice ? [ibName, String(ibPort)] : [ethName, ''];
      samples.add(entryInfo, 1, { pnetid: pnetId, kind, name, port });
    }
  },
});

const eidInfo = gauge({
  name: 'smc_eid_info',
  help: 'Always 1. The labels are an enterprise ID that this host offers: defined by the user (ueid) or by the machine (seid).',
  labels: ['eid', 'kind'],
});

const ueidCount = gauge({ name: 'smc_ueids', help: 'UEIDs that are defined.' });

const seidEnabled = gauge({
  name: 'smc_seid_enabled',
  help: '1 if the SEID is offered to peers. Only on machines that have one.',
});

export const eids = defineCollector({
  name: 'eids',
  about: 'Enterprise IDs: peers can use SMC version 2 if they have one in common.',
  onByDefault: true,
  needs: ['ueids', 'seid'],
  metrics: [ueidCount, eidInfo, seidEnabled],
  collect({ ueids, seid }, samples) {
    samples.add(ueidCount, ueids?.length);
    for (const eid of ueids ?? []) samples.add(eidInfo, 1, { eid, kind: 'ueid' });
    if (!seid) return;
    if (seid.seid && seid.isEnabled) samples.add(eidInfo, 1, { eid: seid.seid, kind: 'seid' });
    samples.add(seidEnabled, seid.isEnabled);
  },
});

const limited = gauge({
  name: 'smc_handshake_limitation_enabled',
  help: '1 if connections are completed as TCP while SMC handshakes queue up.',
});

/** One metric for each setting that is a number, named after it and its unit. */
const sysctlMetrics: ReadonlyMap<string, Metric<never>> = new Map(
  SYSCTLS.filter(({ range }) => range).map((spec) => [spec.name, sysctlMetric(spec)]),
);

function sysctlMetric({ name, unit, meaning, since }: SysctlSpec): Metric<never> {
  const sentence = `${meaning[0]!.toUpperCase()}${meaning.slice(1)}.`;
  return gauge({
    name: `smc_sysctl_${name}${unit ? `_${unit}` : ''}`,
    help: `Setting net.smc.${name}. ${sentence}${since ? ` Since Linux ${since}.` : ''}`,
  });
}

const handshakeControl = gauge({
  name: 'smc_sysctl_hs_ctrl_info',
  help: 'Always 1. The label is the BPF program that decides on handshakes (net.smc.hs_ctrl), empty for none. Since Linux 6.19.',
  labels: ['program'],
});

export const settings = defineCollector({
  name: 'settings',
  about: 'The handshake limitation, and the settings net.smc.* of sysctl(8).',
  onByDefault: true,
  needs: ['isHandshakeLimited', 'sysctls'],
  metrics: [limited, ...sysctlMetrics.values(), handshakeControl],
  collect({ isHandshakeLimited, sysctls }, samples) {
    samples.add(limited, isHandshakeLimited);
    for (const { name, value } of sysctls ?? []) {
      const metric = sysctlMetrics.get(name);
      if (value === undefined) continue;
      if (metric) samples.add(metric, Number(value));
      else samples.add(handshakeControl, 1, { program: value });
    }
  },
});
