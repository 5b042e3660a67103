// SPDX-License-Identifier: MIT
/**
 * Why a connection runs over TCP: the decline codes of SMC's CLC handshake. The one table for all commands.
 * Source: net/smc/smc_clc.h (SMC_CLC_DECL_*), Linux 6.12; nothing newer up to 7.x. `side` is
 * 'either' where the code of both sides can give it.
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
  /** what an administrator can do about it, in one line */
  remedy: string;
  /**
   * the side that finds it out and declines; the other one has PEERDECL with this code as the peer's diagnosis.
   * 'peer': not the side that has this code; 'nobody': there was no handshake
   */
  side: 'client' | 'server' | 'either' | 'peer' | 'nobody';
  /** what is behind it as a rule, the likely ones first; lower case, no full stop */
  causes: readonly string[];
  /** what to do, in the order of the causes as far as they have one; commands as they are typed */
  fixes: readonly string[];
}

const TABLE: readonly Omit<FallbackReason, 'label'>[] = [
  {
    code: 0x01010000,
    name: 'MEM',
    side: 'either',
    meaning: 'no memory for buffers or control structures',
    remedy:
      'free memory, or lower net.smc.wmem and net.smc.rmem; net.smc.smcr_buf_type=1 or 2 helps against fragmentation',
    causes: [
      'the buffers of SMC are contiguous memory, and there is no free piece of that size',
      'the locked-memory limit or the adapter has no room for another registered buffer',
    ],
    fixes: [
      'lower net.smc.wmem and net.smc.rmem, or free memory',
      'against fragmentation: sysctl -w net.smc.smcr_buf_type=1',
    ],
  },
  {
    code: 0x02010000,
    name: 'TIMEOUT_CL',
    side: 'either',
    meaning: 'the peer did not answer while the RDMA link was being confirmed',
    remedy: 'check the RDMA path: GIDs, VLAN, switch, MTU, a firewall on UDP port 4791',
    causes: [
      'the IP path between the hosts works, the RDMA path does not: GIDs, VLAN, switch or MTU',
      'a firewall drops UDP port 4791 (RoCE version 2)',
    ],
    fixes: [
      'allow UDP port 4791 between the RDMA addresses of both hosts',
      'compare GIDs and MTU of both ports: smcr -d device',
      'test the path with an RDMA tool such as rping',
    ],
  },
  {
    code: 0x02020000,
    name: 'TIMEOUT_AL',
    side: 'either',
    meaning: 'the peer did not answer while a second link was being added',
    remedy: 'check the RDMA path of the second adapter',
    causes: ['the RDMA path of the second adapter is broken'],
    fixes: ['check port, cable, VLAN and MTU of the second adapter on both hosts'],
  },
  {
    code: 0x03000000,
    name: 'CNFERR',
    side: 'either',
    meaning: 'configuration error, for example no usable address prefix on the interface',
    remedy: 'check address and netmask of the interface',
    causes: [
      'the local address of the connection is on no interface with a netmask, as with some tunnels and aliases',
    ],
    fixes: ['check address and netmask of the interface: ip address'],
  },
  {
    code: 0x03010000,
    name: 'PEERNOSMC',
    side: 'nobody',
    meaning: 'the peer did not offer SMC',
    remedy: 'start the peer program over SMC; a middlebox may also strip the TCP option',
    causes: [
      'the program at the other end was not started over SMC',
      'the other host has no SMC, or the module smc is not loaded',
      'the handshake limitation is on at a host that was busy',
      'a firewall, load balancer or proxy on the way removes the TCP option',
    ],
    fixes: [
      'start the program at the other end with smc_run',
      'look at the handshake limitation: smcd hs-limit',
      'capture the SYN at both ends and compare its TCP options',
    ],
  },
  {
    code: 0x03020000,
    name: 'IPSEC',
    side: 'either',
    meaning: 'the connection is protected by IPsec, which SMC does not support',
    remedy: 'exempt the connection from IPsec, or accept TCP',
    causes: ['an IPsec policy covers these two addresses'],
    fixes: ['exempt the connection from IPsec (ip xfrm policy), or accept TCP'],
  },
  {
    code: 0x03030000,
    name: 'NOSMCDEV',
    side: 'either',
    meaning: 'no SMC-R or SMC-D device fits the connection',
    remedy:
      'give interface and device the same PNET ID, see that the device is active; SMC version 2 needs a UEID',
    causes: [
      'the interface of the connection has no PNET ID, or no device has the same one',
      'the RDMA port or ISM device is down or missing',
      'there is no UEID, which SMC version 2 needs',
      'the connection goes over an interface that has no RDMA device behind it, such as lo',
    ],
    fixes: [
      'give interface and device one PNET ID: smc_pnet -a ID -I INTERFACE -D DEVICE',
      'define a UEID, the same on both hosts: smcd ueid add NAME',
      'look at the devices: smcr device; smcd device',
    ],
  },
  {
    code: 0x03030001,
    name: 'NOSMCDDEV',
    side: 'either',
    meaning: 'no SMC-D device fits the connection',
    remedy:
      'see that the ISM device is online, has the PNET ID of the interface, and both ends are on one machine',
    causes: [
      'the ISM device is offline or has another PNET ID than the interface',
      'the hosts are on different machines',
    ],
    fixes: ['compare PNET IDs: smcd -d device; smc_chk -i INTERFACE'],
  },
  {
    code: 0x03030002,
    name: 'NOSMCRDEV',
    side: 'either',
    meaning: 'no SMC-R device fits the connection',
    remedy: 'see that the RDMA port is active, has a PNET ID and a GID of the right type',
    causes: [
      'the RDMA port is not active, or has another PNET ID than the interface',
      'the port has no GID of the right type, which is made of an IP address of its interface',
      'the device speaks version 2 only and there is no UEID',
    ],
    fixes: [
      'see that the port is active: smcr -d device',
      'give interface and port one PNET ID: smc_pnet -a ID -I INTERFACE -D DEVICE',
      'define a UEID, the same on both hosts: smcr ueid add NAME',
    ],
  },
  {
    code: 0x03030003,
    name: 'NOISM2SUPP',
    side: 'server',
    meaning: 'SMC-D version 2 was asked for and there is no ISM device that can do it',
    remedy: 'expected without such a device; enable ISM or loopback-ism, or use SMC-R',
    causes: [
      'this machine has no ISM device, which is normal outside of IBM Z',
      'loopback-ism is not in this kernel',
    ],
    fixes: ['nothing, if SMC-R is what is wanted', 'use a kernel with loopback-ism'],
  },
  {
    code: 0x03030004,
    name: 'NOV2EXT',
    side: 'server',
    meaning: 'the version 2 part is missing from the proposal',
    remedy: 'the peer does version 1 only; update it',
    causes: ['the peer does version 1 only'],
    fixes: ['update the peer, or give it a UEID: smcd ueid add NAME'],
  },
  {
    code: 0x03030005,
    name: 'NOV2DEXT',
    side: 'server',
    meaning: 'the SMC-D version 2 part is missing from the proposal',
    remedy: 'the peer does version 1 only; update it',
    causes: ['the peer does SMC-D version 1 only'],
    fixes: ['update the peer'],
  },
  {
    code: 0x03030006,
    name: 'NOSEID',
    side: 'server',
    meaning: 'the proposal carries no SEID',
    remedy: 'enable the SEID, or define the same UEID on both hosts',
    causes: ['the SEID of the peer is off'],
    fixes: [
      'turn it on at the peer: smcd seid enable',
      'or define the same UEID on both hosts: smcd ueid add NAME',
    ],
  },
  {
    code: 0x03030007,
    name: 'NOSMCD2DEV',
    side: 'server',
    meaning: 'the hosts have no SMC-D version 2 device in common',
    remedy: 'see that the ISM devices of both are online and on one fabric',
    causes: [
      'the ISM devices are on different fabrics, or one of them is offline',
      'the hosts are on different machines',
    ],
    fixes: ['compare the channel IDs of both hosts: smcd -d device'],
  },
  {
    code: 0x03030008,
    name: 'NOUEID',
    side: 'server',
    meaning: 'the hosts have no enterprise ID in common',
    remedy: 'define the same UEID on both hosts: smcd ueid add NAME',
    causes: [
      'one of the hosts has no UEID',
      'the UEIDs of the hosts differ; upper and lower case and dots count',
    ],
    fixes: ['compare them on both hosts: smcd ueid', 'define the same one on both: smcd ueid add NAME'],
  },
  {
    code: 0x03030009,
    name: 'RELEASEERR',
    side: 'either',
    meaning: 'the hosts did not agree on a release of SMC version 2',
    remedy: 'update the older side',
    causes: ['one of the kernels is much older'],
    fixes: ['update the older side'],
  },
  {
    code: 0x0303000a,
    name: 'MAXCONNERR',
    side: 'either',
    meaning: 'the hosts did not agree on the connections per link group',
    remedy: 'compare net.smc.smcr_max_conns_per_lgr on both hosts',
    causes: ['a host asks for fewer than 16'],
    fixes: ['compare net.smc.smcr_max_conns_per_lgr on both hosts'],
  },
  {
    code: 0x0303000b,
    name: 'MAXLINKERR',
    side: 'either',
    meaning: 'the hosts did not agree on the links per link group',
    remedy: 'compare net.smc.smcr_max_links_per_lgr on both hosts',
    causes: ['the limits of the hosts do not fit together'],
    fixes: ['compare net.smc.smcr_max_links_per_lgr on both hosts'],
  },
  {
    code: 0x03040000,
    name: 'MODEUNSUPP',
    side: 'either',
    meaning: 'one side chose SMC-R and the other SMC-D',
    remedy: 'compare PNET IDs and devices of both hosts',
    causes: ['PNET IDs or devices of the hosts do not fit together'],
    fixes: ['compare PNET IDs and devices of both hosts: smc_chk'],
  },
  {
    code: 0x03050000,
    name: 'RMBE_EC',
    side: 'either',
    meaning: 'the peer uses eye catchers in its buffers, which Linux does not support',
    remedy: 'turn them off at the peer (z/OS)',
    causes: ['a setting of the peer, which is z/OS'],
    fixes: ['turn them off at the peer'],
  },
  {
    code: 0x03060000,
    name: 'OPTUNSUPP',
    side: 'either',
    meaning: 'the program used a socket option that SMC does not support, as a rule TCP Fast Open',
    remedy: 'turn Fast Open off in the program',
    causes: ['the program, or a library it uses, turns Fast Open on'],
    fixes: ['turn Fast Open off in the program'],
  },
  {
    code: 0x03070000,
    name: 'DIFFPREFIX',
    side: 'server',
    meaning: 'the hosts are in different IP subnets',
    remedy: 'use one subnet, or SMC version 2 with a UEID',
    causes: ['SMC version 1 works within one subnet only', 'different netmasks on the two hosts'],
    fixes: [
      'compare address and netmask of both interfaces',
      'or use SMC version 2: define the same UEID on both hosts with smcd ueid add NAME',
    ],
  },
  {
    code: 0x03080000,
    name: 'GETVLANERR',
    side: 'either',
    meaning: 'the VLAN of the interface could not be determined',
    remedy: 'check the VLAN set-up; SMC knows one level of VLAN',
    causes: ['VLANs are stacked, and SMC knows one level', 'the interface went away meanwhile'],
    fixes: ['use one level of VLAN'],
  },
  {
    code: 0x03090000,
    name: 'ISMVLANERR',
    side: 'either',
    meaning: 'the ISM device refused the VLAN',
    remedy: 'check the VLAN set-up of the ISM network',
    causes: ['the VLAN is not configured for the ISM network'],
    fixes: ['check the VLAN set-up of the ISM network'],
  },
  {
    code: 0x030a0000,
    name: 'NOACTLINK',
    side: 'either',
    meaning: 'the link group has no active link',
    remedy: 'check RDMA ports and cables',
    causes: ['the RDMA ports of the link group have gone down'],
    fixes: ['check ports and cables: smcr -d device', 'look at the links: smcr linkgroup link-show'],
  },
  {
    code: 0x030b0000,
    name: 'NOSRVLINK',
    side: 'client',
    meaning: 'the link that the server named does not exist here',
    remedy: 'as a rule transient; otherwise compare the link groups of both hosts',
    causes: ['as a rule it was just taken down'],
    fixes: ['try again', 'compare the link groups of both hosts: smcr linkgroup link-show'],
  },
  {
    code: 0x030c0000,
    name: 'VERSMISMAT',
    side: 'either',
    meaning: 'the SMC versions of the hosts do not match',
    remedy: 'update the older side',
    causes: ['one of the kernels is much older'],
    fixes: ['update the older side'],
  },
  {
    code: 0x030d0000,
    name: 'MAX_DMB',
    side: 'either',
    meaning: 'the device has no room for another SMC-D buffer',
    remedy: 'use fewer connections or another ISM device',
    causes: ['too many SMC-D connections over one device; loopback-ism takes 5000 buffers'],
    fixes: ['use fewer connections or another ISM device'],
  },
  {
    code: 0x030e0000,
    name: 'NOROUTE',
    side: 'either',
    meaning: 'there is no route to the RDMA address of the peer',
    remedy: 'check routing between the RoCE interfaces',
    causes: ['the RDMA interfaces are in different subnets without a route between them'],
    fixes: ['check the route between the addresses of the RoCE interfaces: ip route get ADDRESS'],
  },
  {
    code: 0x030f0000,
    name: 'NOINDIRECT',
    side: 'client',
    meaning: 'one side reaches the peer directly and the other through a gateway',
    remedy: 'use one subnet, or one gateway and equal version 2 settings on both hosts',
    causes: ['routes of the two hosts are not symmetric'],
    fixes: ['use one subnet, or one gateway and equal version 2 settings on both hosts'],
  },
  {
    code: 0x04000000,
    name: 'SYNCERR',
    side: 'client',
    meaning: 'the hosts have different views of the link group',
    remedy: 'transient; the next connection builds a new link group',
    causes: ['one side took the link group down while the other went on to use it'],
    fixes: ['try again: the next connection builds a new link group'],
  },
  {
    code: 0x05000000,
    name: 'PEERDECL',
    side: 'peer',
    meaning: 'the peer declined; its own reason is the peer diagnosis',
    remedy: 'look up the peer diagnosis and act at the peer',
    causes: ['what the peer diagnosis says'],
    fixes: ['look the peer diagnosis up and act at the peer: smc_chk --explain CODE'],
  },
  {
    code: 0x09990000,
    name: 'INTERR',
    side: 'either',
    meaning: 'internal error',
    remedy: 'read the kernel log and report it',
    causes: ['an error in the kernel, or an adapter that failed'],
    fixes: ['read the kernel log (dmesg) and report it'],
  },
  {
    code: 0x09990001,
    name: 'ERR_RTOK',
    side: 'either',
    meaning: 'the handling of a remote memory key failed',
    remedy: 'read the kernel log; check adapter and driver',
    causes: ['adapter or driver'],
    fixes: ['read the kernel log (dmesg)', 'update firmware and driver of the adapter'],
  },
  {
    code: 0x09990002,
    name: 'ERR_RDYLNK',
    side: 'either',
    meaning: 'the RDMA queue pair could not be made ready',
    remedy: 'check the RDMA adapter, its GID and MTU',
    causes: ['the GID of the port has changed, or the MTUs do not fit'],
    fixes: ['check GID and MTU of the port: smcr -d device'],
  },
  {
    code: 0x09990003,
    name: 'ERR_REGBUF',
    side: 'either',
    meaning: 'an RDMA buffer could not be registered',
    remedy: 'raise the locked-memory limit, lower the buffer sizes, or set net.smc.smcr_buf_type',
    causes: [
      'the locked-memory limit is too low',
      'the adapter has no room for another buffer, or none of that size',
    ],
    fixes: [
      'raise the locked-memory limit, or lower net.smc.wmem and net.smc.rmem',
      'sysctl -w net.smc.smcr_buf_type=1',
    ],
  },
];

/** Words of the C suite's statistics that are not the kernel's. */
const LABELS: Readonly<Record<string, string>> = {
  MEM: 'MEMORY',
  CNFERR: 'CNF_ERR',
  PEERNOSMC: 'PEER_NO_SMC',
};

/** All known reasons, by code. */
export const fallbackReasons: ReadonlyMap<number, FallbackReason> = new Map(
  TABLE.map((reason) => [reason.code, { ...reason, label: LABELS[reason.name] ?? reason.name }]),
);

/** `0x03010000`: the way the code is written everywhere in this suite. */
export function formatReasonCode(code: number): string {
  return `0x${code.toString(16).padStart(8, '0')}`;
}

/** 0x05000000: what the side has that was declined. */
export const PEERDECL = 0x05000000;
/** 0x03010000: there was no handshake, as the peer did not ask for one. */
export const PEERNOSMC = 0x03010000;
