// SPDX-License-Identifier: MIT
/**
 * Why a connection runs over TCP: the decline codes of SMC's CLC handshake. The one table for all commands.
 * Source: net/smc/smc_clc.h (SMC_CLC_DECL_*) and where net/smc gives each code, Linux 6.12; nothing newer up to 7.3.
 */

export interface FallbackReason {
  /** as the kernel reports it, 32 bit */
  code: number;
  /** kernel name without its SMC_CLC_DECL_ prefix */
  name: string;
  /** as the statistics of smcd and smcr print it, at most 12 characters; the C suite's own word where it has one */
  label: string;
  /**
   * what happened, for people; lower case, no full stop. Code, name and this make one line of smcss(8), so both together
   * have at most 60 characters
   */
  meaning: string;
  /** what an administrator can do about it; lower case, no full stop, one line with `; ` between sentences */
  remedy: string;
  /**
   * the side that finds it out and declines; the other one has PEERDECL with this code as the peer's diagnosis.
   * 'either' where the code of both sides can give it, 'peer': not the side that has this code, 'nobody': there was no
   * handshake
   */
  side: 'client' | 'server' | 'either' | 'peer' | 'nobody';
  /**
   * where to look for the cause. 'decliner': at the side that declined, which lacks something; 'other': at the
   * other side, which sent or offered something wrong; 'both': it takes a look at both hosts
   */
  lies: 'decliner' | 'other' | 'both';
  /** what usually causes it, the likely causes first; lower case, no full stop */
  causes: readonly string[];
  /** what to do, in the order of the causes as far as they have one; commands as they are typed */
  fixes: readonly string[];
}

/** Of codes that the kernel knows, but sends nowhere. */
const NOT_OF_LINUX = 'Linux does not send this code, so the peer runs another system';

const TABLE: readonly Omit<FallbackReason, 'label'>[] = [
  {
    code: 0x01010000,
    name: 'MEM',
    side: 'either',
    lies: 'decliner',
    meaning: 'no memory for buffers or control structures',
    remedy: 'free memory; lower net.smc.wmem and net.smc.rmem; locked-memory limits do not apply',
    causes: [
      'the kernel is short of memory: it tries smaller buffers, down to 16 KiB, before it gives up',
      'the RDMA adapter has no memory region left for another buffer',
    ],
    fixes: [
      'free memory, or lower net.smc.wmem and net.smc.rmem',
      'against fragmented memory: sysctl -w net.smc.smcr_buf_type=2',
      'use fewer connections over one adapter',
    ],
  },
  {
    code: 0x02010000,
    name: 'TIMEOUT_CL',
    side: 'either',
    lies: 'both',
    meaning: 'the peer did not answer over the new RDMA link',
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
    lies: 'both',
    meaning: 'the peer did not answer over the second RDMA link',
    remedy: 'check the RDMA path of the second adapter',
    causes: [NOT_OF_LINUX, 'the RDMA path of the second adapter is broken'],
    fixes: ['check port, cable, VLAN and MTU of the second adapter on both hosts'],
  },
  {
    code: 0x03000000,
    name: 'CNFERR',
    side: 'client',
    lies: 'decliner',
    meaning: 'the interface has no address prefix to offer',
    remedy: 'check address and netmask of the interface; define a UEID, so that version 2 can be used',
    causes: [
      'the local address is on no interface with a netmask, as with some tunnels and aliases',
      'the interface has only a link-local IPv6 address',
    ],
    fixes: [
      'check address and netmask of the interface: ip address',
      'use SMC version 2, which needs no prefix: the same UEID on both hosts with smcd ueid add NAME',
    ],
  },
  {
    code: 0x03010000,
    name: 'PEERNOSMC',
    side: 'nobody',
    lies: 'other',
    meaning: 'the peer did not offer SMC',
    remedy: 'start the peer program over SMC; make sure that nothing on the way removes the TCP option',
    causes: [
      'the program at the other end was not started over SMC, or uses TCP Fast Open',
      'the other host has no SMC, or the module smc is not loaded',
      'a BPF program on one of the hosts decided against it (net.smc.hs_ctrl, since Linux 6.19)',
      'the handshake limitation is on at a server that was busy',
      'a firewall, load balancer or proxy on the way removes the TCP option',
    ],
    fixes: [
      'start the program at the other end with smc_run',
      'check BPF program and handshake limitation on both hosts: smcd sysctl show hs_ctrl; smcd hs-limit',
      'capture the SYN at both ends and compare its TCP options',
    ],
  },
  {
    code: 0x03020000,
    name: 'IPSEC',
    side: 'either',
    lies: 'decliner',
    meaning: 'IPsec protects the connection; SMC cannot be used',
    remedy: 'exempt the connection from IPsec, or accept TCP',
    causes: ['an IPsec policy covers these two addresses'],
    fixes: ['exempt the connection from IPsec (ip xfrm policy), or accept TCP'],
  },
  {
    code: 0x03030000,
    name: 'NOSMCDEV',
    side: 'either',
    lies: 'both',
    meaning: 'no SMC-R or SMC-D device fits the connection',
    remedy:
      'assign the same PNET ID to interface and device, and check that the device is active; define the same UEID on both hosts for version 2',
    causes: [
      'if the server declined: it has none of the UEIDs of the client',
      'there is no UEID, which SMC version 2 needs',
      'the interface of the connection has no PNET ID, or no device has the same one',
      'the RDMA port or ISM device is down or missing',
      'the connection uses an interface without an RDMA device, such as lo',
      'the client uses IPv6, which SMC-R version 2 does not support; before Linux 6.14 this includes IPv4 over an IPv6 socket (Java)',
    ],
    fixes: [
      'define a UEID, the same on both hosts: smcd ueid add NAME',
      'assign the same PNET ID to interface and device: smc_pnet -a ID -I INTERFACE -D DEVICE',
      'check the devices: smcr device; smcd device',
    ],
  },
  {
    code: 0x03030001,
    name: 'NOSMCDDEV',
    side: 'server',
    lies: 'both',
    meaning: 'no SMC-D device fits, or no enterprise ID matches',
    remedy:
      'define the same UEID on both hosts, or enable the SEID on both; check that the ISM device of the server is online and has the PNET ID of the interface',
    causes: [
      'the hosts have no enterprise ID in common: different UEIDs, and the SEID is off on one of them',
      'the ISM device of the server is offline, or its PNET ID differs from that of the interface',
      'the hosts are on different machines',
    ],
    fixes: [
      'compare the enterprise IDs of both hosts: smcd ueid; smcd seid',
      'define the same UEID on both hosts: smcd ueid add NAME',
      'compare PNET IDs: smcd -d device; smc_chk -i INTERFACE',
    ],
  },
  {
    code: 0x03030002,
    name: 'NOSMCRDEV',
    side: 'server',
    lies: 'decliner',
    meaning: 'no SMC-R device of the server fits the connection',
    remedy: 'check that the RDMA port of the server is active and has a PNET ID and a GID of the right type',
    causes: [
      'the RDMA port of the server is not active, or its PNET ID differs from that of the interface',
      'the port has no GID of the right type; GIDs are derived from the IP addresses of its interface',
      'the server has no route to the RDMA address of the client',
    ],
    fixes: [
      'check that the port is active: smcr -d device',
      'assign the same PNET ID to interface and port: smc_pnet -a ID -I INTERFACE -D DEVICE',
      'check the route to the RDMA address of the client: ip route get ADDRESS',
    ],
  },
  {
    code: 0x03030003,
    name: 'NOISM2SUPP',
    side: 'server',
    lies: 'decliner',
    meaning: 'no server device supports SMC-D version 2',
    remedy: 'normal without such a device; enable ISM or loopback-ism, or use SMC-R',
    causes: [
      'the server has no ISM device, which is normal on machines other than IBM Z, and no loopback-ism',
      'the client did not offer SMC-R: it has no RDMA device for the connection',
    ],
    fixes: ['nothing, if the hosts are different machines', 'use SMC-R: smc_chk on both hosts'],
  },
  {
    code: 0x03030004,
    name: 'NOV2EXT',
    side: 'server',
    lies: 'other',
    meaning: "the client's proposal lacks its version 2 part",
    remedy: 'update the system of the client; the proposal announces version 2, but is malformed',
    causes: [
      'a fault in the system of the client: a client with version 1 only would not announce version 2',
    ],
    fixes: ['update the system of the client'],
  },
  {
    code: 0x03030005,
    name: 'NOV2DEXT',
    side: 'server',
    lies: 'other',
    meaning: "the client's proposal lacks its SMC-D version 2 part",
    remedy: 'update the system of the client; the proposal announces SMC-D version 2, but is malformed',
    causes: [
      'a fault in the system of the client: a client with version 1 only would not announce version 2',
    ],
    fixes: ['update the system of the client'],
  },
  {
    code: 0x03030006,
    name: 'NOSEID',
    side: 'server',
    lies: 'other',
    meaning: 'the proposal contains no SEID',
    remedy: 'enable the SEID, or define the same UEID on both hosts',
    causes: [NOT_OF_LINUX, 'the SEID of the client is off'],
    fixes: [
      'turn it on at the client: smcd seid enable',
      'or define the same UEID on both hosts: smcd ueid add NAME',
    ],
  },
  {
    code: 0x03030007,
    name: 'NOSMCD2DEV',
    side: 'server',
    lies: 'both',
    meaning: 'the hosts have no SMC-D version 2 device in common',
    remedy:
      'for SMC-D check that the ISM devices of both hosts are online and on one fabric; for SMC-R find out why it was not used either',
    causes: [
      'the hosts are different machines, and SMC-R was not possible either, for example because their UEIDs differ; the server reports the first cause that it finds',
      'the ISM devices are on different fabrics, or one of them is offline',
    ],
    fixes: [
      'find out why SMC-R cannot be used: smc_chk on both hosts; compare smcd ueid',
      'compare the channel IDs of both hosts: smcd -d device',
    ],
  },
  {
    code: 0x03030008,
    name: 'NOUEID',
    side: 'server',
    lies: 'other',
    meaning: 'the client offered no enterprise ID',
    remedy:
      'define a UEID on the client that the server also has: smcd ueid add NAME; different UEIDs give other codes',
    causes: ['the client has neither a UEID nor an enabled SEID'],
    fixes: [
      'on the client: smcd ueid add NAME, with a NAME that the server also has',
      'list those of the server: smcd ueid',
    ],
  },
  {
    code: 0x03030009,
    name: 'RELEASEERR',
    side: 'server',
    lies: 'other',
    meaning: 'the client confirmed a release that was not agreed',
    remedy: 'update the system of the client',
    causes: ['a fault in the system of the client: it must confirm the release that the server accepted'],
    fixes: ['update the system of the client'],
  },
  {
    code: 0x0303000a,
    name: 'MAXCONNERR',
    side: 'either',
    lies: 'other',
    meaning: 'no agreement on the connections per link group',
    remedy: 'make sure that the peer allows 16 or more connections per link group',
    causes: [
      'the peer asks for fewer than 16, which Linux does not accept',
      'the peer confirmed a number that was not agreed',
    ],
    fixes: ['raise the connections per link group at the peer; on Linux: net.smc.smcr_max_conns_per_lgr'],
  },
  {
    code: 0x0303000b,
    name: 'MAXLINKERR',
    side: 'either',
    lies: 'other',
    meaning: 'no agreement on the links per link group',
    remedy: 'make sure that the peer allows one or two links per link group',
    causes: [
      'the peer asks for none or for more than two, which Linux does not accept',
      'the peer confirmed a number that was not agreed',
    ],
    fixes: ['change the links per link group at the peer; on Linux: net.smc.smcr_max_links_per_lgr'],
  },
  {
    code: 0x03040000,
    name: 'MODEUNSUPP',
    side: 'client',
    lies: 'other',
    meaning: 'the server chose what the client had not offered',
    remedy: 'update the system of the server; it accepted SMC-R or SMC-D in a version that was not proposed',
    causes: ['a fault in the system of the server: it must choose from what the client proposes'],
    fixes: ['update the system of the server'],
  },
  {
    code: 0x03050000,
    name: 'RMBE_EC',
    side: 'either',
    lies: 'other',
    meaning: 'the peer uses eye catchers in its buffers',
    remedy: 'turn them off at the peer (z/OS); Linux does not support them',
    causes: ['a setting of the peer, which is z/OS'],
    fixes: ['turn them off at the peer'],
  },
  {
    code: 0x03060000,
    name: 'OPTUNSUPP',
    side: 'either',
    lies: 'decliner',
    meaning: 'the program used TCP Fast Open, which SMC lacks',
    remedy: 'turn Fast Open off in the program; the peer sees PEERNOSMC',
    causes: ['the program, or a library it uses, turns Fast Open on'],
    fixes: ['turn Fast Open off in the program'],
  },
  {
    code: 0x03070000,
    name: 'DIFFPREFIX',
    side: 'server',
    lies: 'both',
    meaning: 'different IP subnets, and version 2 not possible',
    remedy: 'use one subnet, or SMC version 2 with the same UEID on both hosts',
    causes: [
      'SMC version 1 works within one subnet only, and version 2 was not possible: a host has no UEID, or their UEIDs differ',
      'different netmasks on the two hosts',
    ],
    fixes: [
      'use SMC version 2: define the same UEID on both hosts with smcd ueid add NAME',
      'compare address and netmask of both interfaces',
    ],
  },
  {
    code: 0x03080000,
    name: 'GETVLANERR',
    side: 'server',
    lies: 'decliner',
    meaning: 'the VLAN of the interface could not be determined',
    remedy: 'usually transient; check route and interface of the connection',
    causes: ['the route or the interface of the connection disappeared during the handshake'],
    fixes: ['try again', 'check route and interface: ip route get ADDRESS'],
  },
  {
    code: 0x03090000,
    name: 'ISMVLANERR',
    side: 'either',
    lies: 'decliner',
    meaning: 'the ISM device refused the VLAN',
    remedy: 'check the VLAN set-up of the ISM network',
    causes: ['the VLAN is not configured for the ISM network', 'the device cannot use any more VLANs'],
    fixes: ['check the VLAN set-up of the ISM network'],
  },
  {
    code: 0x030a0000,
    name: 'NOACTLINK',
    side: 'either',
    lies: 'decliner',
    meaning: 'the link group has no active link',
    remedy: 'check RDMA ports and cables',
    causes: ['the RDMA ports of the link group have gone down'],
    fixes: ['check ports and cables: smcr -d device', 'look at the links: smcr linkgroup link-show'],
  },
  {
    code: 0x030b0000,
    name: 'NOSRVLINK',
    side: 'client',
    lies: 'both',
    meaning: 'the link that the server named does not exist here',
    remedy: 'usually transient; otherwise compare the link groups of both hosts',
    causes: ['usually it has just been taken down'],
    fixes: ['try again', 'compare the link groups of both hosts: smcr linkgroup link-show'],
  },
  {
    code: 0x030c0000,
    name: 'VERSMISMAT',
    side: 'either',
    lies: 'both',
    meaning: 'the SMC versions of the hosts do not match',
    remedy: 'update the older side',
    causes: [NOT_OF_LINUX, 'one of the systems is much older'],
    fixes: ['update the older side'],
  },
  {
    code: 0x030d0000,
    name: 'MAX_DMB',
    side: 'either',
    lies: 'decliner',
    meaning: 'the device has no room for another SMC-D buffer',
    remedy: 'use fewer connections or another ISM device',
    causes: [
      'too many SMC-D connections over one device: an ISM device supports 1920 buffers, loopback-ism 5000, and each end of a connection needs one',
    ],
    fixes: ['use fewer connections or another ISM device'],
  },
  {
    code: 0x030e0000,
    name: 'NOROUTE',
    side: 'client',
    lies: 'decliner',
    meaning: "no route to the server's RDMA address",
    remedy: 'check routing between the RoCE interfaces',
    causes: [
      'the RDMA interfaces are in different subnets, and the client has no route to that of the server',
    ],
    fixes: ['at the client: ip route get ADDRESS, with the address of the RoCE interface of the server'],
  },
  {
    code: 0x030f0000,
    name: 'NOINDIRECT',
    side: 'client',
    lies: 'both',
    meaning: 'direct for one host, via a gateway for the other',
    remedy: 'use one subnet, or routes through a gateway on both hosts',
    causes: [
      'routes are not symmetric: the server reaches the client through a gateway, the client reaches the server directly',
    ],
    fixes: ['use one subnet, or routes through a gateway on both hosts'],
  },
  {
    code: 0x04000000,
    name: 'SYNCERR',
    side: 'client',
    lies: 'both',
    meaning: 'the hosts have different views of the link group',
    remedy: 'transient; the next connection builds a new link group',
    causes: ['one side took the link group down while the other still used it'],
    fixes: ['try again: the next connection builds a new link group'],
  },
  {
    code: 0x05000000,
    name: 'PEERDECL',
    side: 'peer',
    lies: 'both',
    meaning: 'the peer declined; the peer diagnosis says why',
    remedy: 'look up the peer diagnosis and act at the peer',
    causes: ['what the peer diagnosis says'],
    fixes: ['look up the peer diagnosis and act at the peer: smc_chk --explain CODE'],
  },
  {
    code: 0x09990000,
    name: 'INTERR',
    side: 'either',
    lies: 'decliner',
    meaning: 'internal error while creating the link group',
    remedy:
      'check that the adapter supports what is requested; lower net.smc.smcr_max_send_wr and smcr_max_recv_wr; read the kernel log',
    causes: [
      'the adapter refused the queue pair: it supports only one receive element (eRDMA), which SMC-R version 2 can use since Linux 6.14',
      'the adapter refused the queue pair: it must support three times net.smc.smcr_max_send_wr, and net.smc.smcr_max_recv_wr (since Linux 6.19)',
      'the address (GID) of the RDMA port has just disappeared, or the adapter failed',
    ],
    fixes: [
      'with eRDMA: boot Linux 6.14 or later',
      'since Linux 6.19: smcr sysctl set smcr_max_send_wr default; smcr sysctl set smcr_max_recv_wr default',
      'read the kernel log (dmesg)',
    ],
  },
  {
    code: 0x09990001,
    name: 'ERR_RTOK',
    side: 'either',
    lies: 'both',
    meaning: 'no room for another memory key of the peer',
    remedy: 'usually transient; use fewer connections per link group: net.smc.smcr_max_conns_per_lgr',
    causes: ['all 255 memory keys of the link group are in use; the peer has not released old ones yet'],
    fixes: [
      'try again',
      'use fewer connections per link group: smcr sysctl set smcr_max_conns_per_lgr 128 on both hosts',
    ],
  },
  {
    code: 0x09990002,
    name: 'ERR_RDYLNK',
    side: 'either',
    lies: 'decliner',
    meaning: 'the RDMA queue pair could not be made ready',
    remedy: 'check the RDMA adapter and its GIDs; read the kernel log',
    causes: ['the GID of the port has changed or disappeared', 'the adapter refused the queue pair'],
    fixes: ['check state and GIDs of the port: smcr -d device', 'read the kernel log (dmesg)'],
  },
  {
    code: 0x09990003,
    name: 'ERR_REGBUF',
    side: 'either',
    lies: 'decliner',
    meaning: 'an RDMA buffer could not be registered',
    remedy:
      'check the RDMA path and the adapter; lower net.smc.wmem and net.smc.rmem; locked-memory limits do not apply',
    causes: [
      'the link failed in the meantime, or the peer did not confirm the buffer in time',
      'the adapter refused to register the buffer',
    ],
    fixes: [
      'check ports and cables: smcr -d device',
      'lower net.smc.wmem and net.smc.rmem',
      'read the kernel log (dmesg)',
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

/** A reason code in words; name and text are null for a code that Linux does not have. */
export function namedReason(code: number): { code: string; name: string | null; text: string | null } {
  const reason = fallbackReasons.get(code);
  return { code: formatReasonCode(code), name: reason?.name ?? null, text: reason?.meaning ?? null };
}

/** 0x05000000: what the side has that was declined. */
export const PEERDECL = 0x05000000;
/** 0x03010000: there was no handshake, as the peer did not ask for one. */
export const PEERNOSMC = 0x03010000;
