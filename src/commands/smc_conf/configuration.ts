// SPDX-License-Identifier: MIT
/**
 * How SMC is set up, as a file has it and as a host has it. What is `undefined` is not mentioned in a file, or not known
 * of a host; neither is touched.
 */

/** A device with a PNET ID. */
export interface PnetDevice {
  /** RDMA device by name or PCI address, or SMC-D device */
  name: string;
  /** 1 or 2; always 1 for an SMC-D device, which has no ports */
  port: number;
  /** where the file has it; to the kernel it makes no difference */
  kind: 'rdma' | 'ism';
}

/** What is on one physical network. */
export interface PnetNetwork {
  interfaces: readonly string[];
  devices: readonly PnetDevice[];
}

/** What belongs to a network namespace. */
export interface NamespaceSettings {
  /** by PNET ID, in upper case; devices are in the table of the initial namespace only */
  pnet?: ReadonlyMap<string, PnetNetwork> | undefined;
  handshakeLimit?: boolean | undefined;
  /** value by name, without "net.smc." and as the kernel prints it; `limit_smc_hs` is `handshakeLimit` */
  sysctls?: ReadonlyMap<string, string> | undefined;
}

/** How a systemd service is made to run over SMC: the options of smc_run --enable. */
export interface ServiceSettings {
  debug?: boolean;
  /** bytes */
  rcvbuf?: number;
  sndbuf?: number;
  via?: 'auto' | 'preload' | 'seccomp';
  socket?: 'af_smc' | 'inet' | 'auto';
  strict?: boolean;
  /** patterns for names of commands */
  only?: readonly string[];
  except?: readonly string[];
}

/** Everything: what belongs to the host, and to the network namespace in which the command works. */
export interface Configuration extends NamespaceSettings {
  /** in upper case */
  ueids?: readonly string[] | undefined;
  /** whether the SEID is offered */
  seid?: boolean | undefined;
  /** by name of the unit, with its suffix */
  services?: ReadonlyMap<string, ServiceSettings> | undefined;
  /** other network namespaces, by their names of ip-netns(8) */
  namespaces?: ReadonlyMap<string, NamespaceSettings> | undefined;
}
