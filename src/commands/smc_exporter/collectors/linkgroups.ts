// SPDX-License-Identifier: MIT
/** Link groups, which the connections between two hosts share, and the links of SMC-R. */
import { hex } from '../../../output/numbers.ts';
import { LINK_STATES, type LinkGroup, type SmcrLinkGroup } from '../../../smc/link-groups.ts';
import { gauge, type Samples } from '../metric.ts';
import { defineCollector } from './collector.ts';

const BY_GROUP = ['technology', 'lgr'] as const;

const groups = gauge({
  name: 'smc_link_groups',
  help: 'Link groups of this host.',
  labels: ['technology'],
});

const info = gauge({
  name: 'smc_link_group_info',
  help: "Always 1. The labels describe a link group: type is SINGLE, SYM, ASYMP, ASYML or NONE for SMC-R, role is this host's, CLNT or SERV. Empty labels do not apply or are not known.",
  labels: [...BY_GROUP, 'role', 'type', 'version', 'pnetid', 'vlan', 'peer_host', 'eid'],
});

const connections = gauge({
  name: 'smc_link_group_connections',
  help: 'Connections of a link group.',
  labels: BY_GROUP,
});

const mostConnections = gauge({
  name: 'smc_link_group_max_connections',
  help: 'Connections that a link group of SMC-R version 2 can have. Since Linux 6.6.',
  labels: BY_GROUP,
});

const sendBuffers = gauge({
  name: 'smc_link_group_send_buffer_bytes',
  help: 'Memory of the send buffers of a link group. Since Linux 6.12.',
  labels: BY_GROUP,
});

const receiveBuffers = gauge({
  name: 'smc_link_group_receive_buffer_bytes',
  help: 'Memory of the receive buffers of a link group (RMBs of SMC-R, DMBs of SMC-D). Since Linux 6.12.',
  labels: BY_GROUP,
});

const links = gauge({
  name: 'smc_link_group_links',
  help: 'Links of an SMC-R link group by state. The kernel lists links that are active or being activated.',
  labels: ['lgr', 'state'],
});

const linkActive = gauge({
  name: 'smc_link_active',
  help: '1 if a link of an SMC-R link group is active, 0 if it is being activated.',
  labels: ['lgr', 'link', 'device', 'port'],
});

const linkConnections = gauge({
  name: 'smc_link_connections',
  help: 'Connections that use a link.',
  labels: ['lgr', 'link', 'device', 'port'],
});

const missing = gauge({
  name: 'smc_link_groups_missing',
  help: 'SMC-D link groups that the kernel failed to list, as it does with several devices.',
});

const unlisted = gauge({
  name: 'smc_link_groups_without_series',
  help: 'Link groups that have no series of their own here, because there are more than 1,000.',
  labels: ['technology'],
});

/** More link groups than these have no series of their own: peers decide how many there are. */
const MOST = 1000;

export const linkgroups = defineCollector({
  name: 'linkgroups',
  about: 'Link groups and links of this host, of all network namespaces.',
  onByDefault: true,
  needs: ['smcrLinkGroups', 'smcdLinkGroups'],
  metrics: [
    groups,
    info,
    connections,
    mostConnections,
    sendBuffers,
    receiveBuffers,
    links,
    linkActive,
    linkConnections,
    missing,
    unlisted,
  ],
  collect({ smcrLinkGroups: smcr, smcdLinkGroups: smcd }, samples) {
    if (smcr) {
      addTotals(samples, 'smcr', smcr.length);
      for (const group of smcr.slice(0, MOST)) addSmcr(samples, group);
    }
    if (!smcd) return;
    addTotals(samples, 'smcd', smcd.groups.length);
    for (const group of smcd.groups.slice(0, MOST)) {
      const labels = addCommon(samples, 'smcd', group, { role: '', type: '' });
      samples.add(receiveBuffers, group.dmbBytes, labels);
    }
    samples.add(missing, smcd.missing);
  },
});

function addTotals(samples: Samples, technology: string, count: number): void {
  samples.add(groups, count, { technology });
  samples.add(unlisted, Math.max(0, count - MOST), { technology });
}

function addCommon(
  samples: Samples,
  technology: string,
  group: LinkGroup,
  { role, type }: { role: string; type: string },
): { technology: string; lgr: string } {
  const labels = { technology, lgr: hex(group.id, 8) };
  const { version, pnetId = '', vlanId, v2 } = group;
  samples.add(info, 1, {
    ...labels,
    role,
    type,
    version: String(version),
    pnetid: pnetId,
    vlan: vlanId ? String(vlanId) : '',
    peer_host: v2?.peerHost ?? '',
    eid: v2?.eid ?? '',
  });
  samples.add(connections, group.connections, labels);
  samples.add(sendBuffers, group.sndbufBytes, labels);
  return labels;
}

function addSmcr(samples: Samples, group: SmcrLinkGroup): void {
  const { role = '', type = '' } = group;
  const labels = addCommon(samples, 'smcr', group, { role, type });
  const { lgr } = labels;
  samples.add(mostConnections, group.maxConnections, labels);
  samples.add(receiveBuffers, group.rmbBytes, labels);
  for (const state of [LINK_STATES[3], LINK_STATES[2]])
    samples.add(links, group.links.filter((link) => link.state === state).length, {
      lgr,
      state: state.replace('LINK_', '').toLowerCase(),
    });
  for (const link of group.links) {
    const of = { lgr, link: String(link.id), device: link.ibDevice ?? '', port: String(link.ibPort ?? '') };
    samples.add(linkActive, link.state === LINK_STATES[3], of);
    samples.add(linkConnections, link.connections, of);
  }
}
