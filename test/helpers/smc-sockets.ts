// SPDX-License-Identifier: MIT
/** Sockets as smc_diag reports them, for the kernel in memory. */

export const ACTIVE = 1;
export const INIT = 2;
export const CLOSED = 7;
export const LISTEN = 10;
export const SMCR = 0;
export const TCP = 1;
export const SMCD = 2;

export interface SocketFields {
  family?: number;
  state?: number;
  mode?: number;
  uid?: number;
  inode?: bigint;
  /** address and port: `10.0.0.1:80`; IPv6 as eight groups, with a blank before the port */
  from?: string;
  to?: string;
  interface?: number;
  attributes?: object;
}

function endpoint(text: string): { address: Uint8Array; port: number } {
  const [, host = '', port = ''] = /^(.*)[ :]([0-9]+)$/.exec(text) ?? [];
  const address = new Uint8Array(16);
  if (host.includes('.')) address.set(host.split('.').map(Number));
  else
    host.split(':').forEach((group, i) => {
      const value = Number.parseInt(group, 16);
      address.set([value >> 8, value & 0xff], 2 * i);
    });
  return { address, port: Number(port) };
}

let cookies = 0;

/** A socket as smc_diag reports it. */
export function socket(fields: SocketFields = {}): object {
  const { from = '10.0.0.1:5201', to = '10.0.0.2:40000', attributes, interface: intf = 0, ...rest } = fields;
  const [local, peer] = [endpoint(from), endpoint(to)];
  return {
    family: 43,
    state: ACTIVE,
    mode: SMCR,
    shutdown: 0,
    uid: 0,
    inode: 334n,
    ...rest,
    id: {
      sourcePort: local.port,
      destinationPort: peer.port,
      source: local.address,
      destination: peer.address,
      interface: intf,
      cookieLow: ++cookies,
      cookieHigh: 0,
    },
    attributes: { shutdown: 0, fallback: { reason: 0, peerDiagnosis: 0 }, ...attributes },
  };
}

export const listener = (fields: SocketFields = {}): object =>
  socket({ state: LISTEN, from: '0.0.0.0:5201', to: '0.0.0.0:0', ...fields });
