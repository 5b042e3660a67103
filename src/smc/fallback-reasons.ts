// SPDX-License-Identifier: MIT
/**
 * Why a connection runs over TCP: the decline codes of SMC's CLC handshake. The one table for all commands.
 * Source: net/smc/smc_clc.h (SMC_CLC_DECL_*), Linux 6.12; nothing newer up to 7.x.
 */

export interface FallbackReason {
  /** as the kernel reports it, 32 bit */
  code: number;
  /** kernel name without its SMC_CLC_DECL_ prefix */
  name: string;
  /** as the statistics of smcd and smcr print it, at most 12 characters; the C suite's own word where it has one */
  label: string;
  /** what happened, for people; lower case, no full stop */
  meaning: string;
  /** what an administrator can do about it */
  remedy: string;
}

const TABLE: readonly (readonly [code: number, name: string, meaning: string, remedy: string])[] = [
  [
    0x01010000,
    'MEM',
    'no memory for buffers or control structures',
    'free memory, or lower net.smc.wmem and net.smc.rmem; net.smc.smcr_buf_type=1 or 2 helps against fragmentation',
  ],
  [
    0x02010000,
    'TIMEOUT_CL',
    'the peer did not answer while the RDMA link was being confirmed',
    'check the RDMA path: GIDs, VLAN, switch, MTU, a firewall on UDP port 4791',
  ],
  [
    0x02020000,
    'TIMEOUT_AL',
    'the peer did not answer while a second link was being added',
    'check the RDMA path of the second adapter',
  ],
  [
    0x03000000,
    'CNFERR',
    'configuration error, for example no usable address prefix on the interface',
    'check address and netmask of the interface',
  ],
  [
    0x03010000,
    'PEERNOSMC',
    'the peer did not offer SMC',
    'start the peer program over SMC; a middlebox may also strip the TCP option',
  ],
  [
    0x03020000,
    'IPSEC',
    'the connection is protected by IPsec, which SMC does not support',
    'exempt the connection from IPsec, or accept TCP',
  ],
  [
    0x03030000,
    'NOSMCDEV',
    'no SMC-R or SMC-D device fits the connection',
    'give interface and device the same PNET ID, see that the device is active; SMC version 2 needs a UEID',
  ],
  [
    0x03030001,
    'NOSMCDDEV',
    'no SMC-D device fits the connection',
    'see that the ISM device is online, has the PNET ID of the interface, and both ends are on one machine',
  ],
  [
    0x03030002,
    'NOSMCRDEV',
    'no SMC-R device fits the connection',
    'see that the RDMA port is active, has a PNET ID and a GID of the right type',
  ],
  [
    0x03030003,
    'NOISM2SUPP',
    'SMC-D version 2 was asked for and there is no ISM device that can do it',
    'expected without such a device; enable ISM or loopback-ism, or use SMC-R',
  ],
  [
    0x03030004,
    'NOV2EXT',
    'the version 2 part is missing from the proposal',
    'the peer does version 1 only; update it',
  ],
  [
    0x03030005,
    'NOV2DEXT',
    'the SMC-D version 2 part is missing from the proposal',
    'the peer does version 1 only; update it',
  ],
  [
    0x03030006,
    'NOSEID',
    'the proposal carries no SEID',
    'enable the SEID, or define the same UEID on both hosts',
  ],
  [
    0x03030007,
    'NOSMCD2DEV',
    'the hosts have no SMC-D version 2 device in common',
    'see that the ISM devices of both are online and on one fabric',
  ],
  [
    0x03030008,
    'NOUEID',
    'the hosts have no enterprise ID in common',
    'define the same UEID on both hosts: smcd ueid add NAME',
  ],
  [
    0x03030009,
    'RELEASEERR',
    'the hosts did not agree on a release of SMC version 2',
    'update the older side',
  ],
  [
    0x0303000a,
    'MAXCONNERR',
    'the hosts did not agree on the connections per link group',
    'compare net.smc.smcr_max_conns_per_lgr on both hosts',
  ],
  [
    0x0303000b,
    'MAXLINKERR',
    'the hosts did not agree on the links per link group',
    'compare net.smc.smcr_max_links_per_lgr on both hosts',
  ],
  [
    0x03040000,
    'MODEUNSUPP',
    'one side chose SMC-R and the other SMC-D',
    'compare PNET IDs and devices of both hosts',
  ],
  [
    0x03050000,
    'RMBE_EC',
    'the peer uses eye catchers in its buffers, which Linux does not support',
    'turn them off at the peer (z/OS)',
  ],
  [
    0x03060000,
    'OPTUNSUPP',
    'the program used a socket option that SMC does not support, as a rule TCP Fast Open',
    'turn Fast Open off in the program',
  ],
  [
    0x03070000,
    'DIFFPREFIX',
    'the hosts are in different IP subnets',
    'use one subnet, or SMC version 2 with a UEID',
  ],
  [
    0x03080000,
    'GETVLANERR',
    'the VLAN of the interface could not be determined',
    'check the VLAN set-up; SMC knows one level of VLAN',
  ],
  [0x03090000, 'ISMVLANERR', 'the ISM device refused the VLAN', 'check the VLAN set-up of the ISM network'],
  [0x030a0000, 'NOACTLINK', 'the link group has no active link', 'check RDMA ports and cables'],
  [
    0x030b0000,
    'NOSRVLINK',
    'the link that the server named does not exist here',
    'as a rule transient; otherwise compare the link groups of both hosts',
  ],
  [0x030c0000, 'VERSMISMAT', 'the SMC versions of the hosts do not match', 'update the older side'],
  [
    0x030d0000,
    'MAX_DMB',
    'the device has no room for another SMC-D buffer',
    'use fewer connections or another ISM device',
  ],
  [
    0x030e0000,
    'NOROUTE',
    'there is no route to the RDMA address of the peer',
    'check routing between the RoCE interfaces',
  ],
  [
    0x030f0000,
    'NOINDIRECT',
    'one side reaches the peer directly and the other through a gateway',
    'use one subnet, or one gateway and equal version 2 settings on both hosts',
  ],
  [
    0x04000000,
    'SYNCERR',
    'the hosts have different views of the link group',
    'transient; the next connection builds a new link group',
  ],
  [
    0x05000000,
    'PEERDECL',
    'the peer declined; its own reason is the peer diagnosis',
    'look up the peer diagnosis and act at the peer',
  ],
  [0x09990000, 'INTERR', 'internal error', 'read the kernel log and report it'],
  [
    0x09990001,
    'ERR_RTOK',
    'the handling of a remote memory key failed',
    'read the kernel log; check adapter and driver',
  ],
  [
    0x09990002,
    'ERR_RDYLNK',
    'the RDMA queue pair could not be made ready',
    'check the RDMA adapter, its GID and MTU',
  ],
  [
    0x09990003,
    'ERR_REGBUF',
    'an RDMA buffer could not be registered',
    'raise the locked-memory limit, lower the buffer sizes, or set net.smc.smcr_buf_type',
  ],
];

/** Words of the C suite's statistics that are not the kernel's. */
const LABELS: Readonly<Record<string, string>> = {
  MEM: 'MEMORY',
  CNFERR: 'CNF_ERR',
  PEERNOSMC: 'PEER_NO_SMC',
};

/** All known reasons, by code. */
export const fallbackReasons: ReadonlyMap<number, FallbackReason> = new Map(
  TABLE.map(([code, name, meaning, remedy]) => [
    code,
    { code, name, label: LABELS[name] ?? name, meaning, remedy },
  ]),
);

/** `0x03010000`: the way the code is written everywhere in this suite. */
export function formatReasonCode(code: number): string {
  return `0x${code.toString(16).padStart(8, '0')}`;
}
