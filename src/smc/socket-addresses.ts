// SPDX-License-Identifier: MIT
/**
 * Which addresses an SMC socket really has. smc_diag does not say the address family, and leaves the addresses of
 * IPPROTO_SMC sockets out altogether; the TCP socket inside every SMC socket knows both.
 */
import { tcpTable } from '../host/tcp-table.ts';
import type { ByteOrder } from '../netlink/codec.ts';
import { NetlinkError } from '../netlink/error.ts';
import type { Infer } from '../netlink/schema.ts';
import type { DiagDump, SockDiag } from '../netlink/sock-diag.ts';
import {
  anySocket,
  IPPROTO_TCP,
  inetDiagMessage,
  inetDiagRequest,
  TCPF_LISTEN,
  TCPF_SOCKETS,
} from '../netlink/uapi/inet-diag.ts';
import { AF_INET, AF_INET6 } from '../netlink/uapi/socket.ts';
import { formatIpv4, formatIpv4Word, formatIpv6 } from './ip-address.ts';
import type { RawAddresses } from './socket-decoder.ts';
import { type SmcSocket, STATE_INIT, STATE_LISTEN } from './sockets.ts';

/** The TCP socket inside an SMC socket. */
interface TcpSocket {
  family: number;
  source: Uint8Array;
  destination: Uint8Array;
}

const tcpDump: DiagDump<Infer<typeof inetDiagRequest>, TcpSocket & PortPair> = {
  name: 'TCP sockets',
  request: inetDiagRequest,
  message: inetDiagMessage,
  decoder: (order) => (data, offset, length) => {
    const { family, id } = inetDiagMessage.decode(data, offset, length, order);
    return {
      family,
      source: id.source,
      destination: id.destination,
      sourcePort: id.sourcePort,
      destinationPort: id.destinationPort,
    };
  },
};

interface PortPair {
  sourcePort: number;
  destinationPort: number;
}

const key = (sourcePort: number, destinationPort: number): number => sourcePort * 0x1_0000 + destinationPort;

const keyOf = ({ sourcePort, destinationPort }: PortPair): number => key(sourcePort, destinationPort);

/** Where TCP sockets are looked up. */
export interface TcpSources {
  /** opens further sock_diag sockets: one cannot run two dumps at a time */
  openSockDiag: () => Promise<SockDiag>;
  /** root of /proc, for kernels without tcp_diag */
  hostRoot: string;
  /** byte order of the host */
  order: ByteOrder;
}

export class SocketAddresses {
  readonly #sources: TcpSources;
  /** no IPv6 SMC socket is open, so nothing is ambiguous */
  readonly #onlyIpv4: boolean;
  /** IPv6 TCP sockets by port pair whose addresses could be taken for IPv4 */
  readonly #ipv6 = new Map<number, TcpSocket[]>();
  /** IPv4 TCP listeners by port, as far as they are not used up */
  readonly #ipv4Listeners = new Map<number, TcpSocket[]>();
  /** the kernel could list TCP sockets; else a wildcard address stays unknown */
  #tcpIsListed = true;
  /** all TCP sockets by port pair, read when an address is missing; `null`: the port pair is ambiguous */
  #tcpSockets: Map<number, TcpSocket | null> | undefined;
  /** sockets whose addresses have to be looked up in a list that was not read yet */
  readonly #unsettled: SmcSocket[] = [];
  /** a list of TCP sockets changed while it was read: an address may be missing */
  interrupted = false;
  /** the kernel lists IPv4 sockets first, so after a certain IPv6 socket all are IPv6 */
  #sawIpv6 = false;

  private constructor(sources: TcpSources, onlyIpv4: boolean) {
    this.#sources = sources;
    this.#onlyIpv4 = onlyIpv4;
  }

  /**
   * Reads beforehand what the listing is sure to need, so that nothing has to be awaited while sockets stream in.
   * @param sockets open sockets per protocol (`socketsPerProtocol`), or `undefined` when unknown
   */
  static async prepare(
    sources: TcpSources,
    sockets: Record<string, number> | undefined,
  ): Promise<SocketAddresses> {
    const open = (protocol: string): number => (sockets ? (sockets[protocol] ?? 0) : 1);
    const addresses = new SocketAddresses(sources, open('SMC6') + open('INET6_SMC') === 0);
    if (open('SMC6') > 0) await addresses.#loadAmbiguous();
    if (open('INET_SMC') + open('INET6_SMC') > 0) await addresses.#loadTcpSockets();
    return addresses;
  }

  /**
   * Adds the addresses. Those that cannot be told yet are kept for `settle`, as long as nobody has asked for the list of TCP
   * sockets: that is a question to the kernel, and this one is in the middle of an answer.
   */
  readonly resolve = (socket: SmcSocket, raw: RawAddresses): void => {
    const { view, source, destination } = raw;
    if (!looksIpv4(view, source) || !looksIpv4(view, destination)) {
      this.#sawIpv6 = true;
      socket.addressFamily = 'ipv6';
      socket.local.address = ipv6At(raw, source);
      socket.peer.address = ipv6At(raw, destination);
      return;
    }
    const sourceWord = view.getInt32(source);
    const destinationWord = view.getInt32(destination);
    const isEmpty = sourceWord === 0 && destinationWord === 0;
    // family 2 and 10: addresses are never filled in; accepted children of those say 43 and have none either
    const isMissing =
      isEmpty &&
      (socket.family === AF_INET ||
        socket.family === AF_INET6 ||
        (socket.state !== STATE_LISTEN && socket.state !== STATE_INIT && socket.local.port !== 0));
    if (isMissing) {
      if (this.#tcpSockets) fromTcpSocket(socket, this.#tcpSockets);
      else this.#unsettled.push(socket);
      return;
    }
    const family = this.#familyOf(socket, raw);
    if (family === AF_INET) {
      socket.addressFamily = 'ipv4';
      socket.local.address = formatIpv4Word(sourceWord);
      socket.peer.address = formatIpv4Word(destinationWord);
    } else if (family === AF_INET6) {
      socket.addressFamily = 'ipv6';
      socket.local.address = ipv6At(raw, source);
      socket.peer.address = ipv6At(raw, destination);
    }
  };

  /** To be awaited before sockets are used, if it is there: the first missing address showed up unannounced. */
  settle(): Promise<void> | undefined {
    return this.#unsettled.length === 0 ? undefined : this.#settle();
  }

  async #settle(): Promise<void> {
    const tcpSockets = await this.#loadTcpSockets();
    for (const socket of this.#unsettled.splice(0)) fromTcpSocket(socket, tcpSockets);
  }

  /** Family of a socket whose addresses fit both; `undefined` when it is not known. */
  #familyOf({ state, local, peer }: SmcSocket, { data, view, source }: RawAddresses): number | undefined {
    if (this.#onlyIpv4) return AF_INET;
    if (this.#sawIpv6) return AF_INET6;
    if ((state === STATE_INIT || !this.#tcpIsListed) && view.getInt32(source) === 0) return undefined;
    const isSame = (tcp: TcpSocket): boolean => data.compare(tcp.source, 0, 16, source, source + 16) === 0;
    if (state === STATE_LISTEN) {
      // 0.0.0.0:p and [::]:p may both be there; the IPv4 one is listed first
      const rivals = this.#ipv4Listeners.get(local.port) ?? [];
      const rival = rivals.findIndex(isSame);
      if (rival >= 0) {
        rivals.splice(rival, 1);
        return AF_INET;
      }
    }
    return this.#ipv6.get(key(local.port, peer.port))?.some(isSame) ? AF_INET6 : AF_INET;
  }

  async #loadAmbiguous(): Promise<void> {
    this.#tcpIsListed = await this.#eachTcpSocket(AF_INET6, TCPF_SOCKETS, (tcp) => {
      if (bytesLookIpv4(tcp.source) && bytesLookIpv4(tcp.destination)) append(this.#ipv6, keyOf(tcp), tcp);
    });
    await this.#eachTcpSocket(AF_INET, TCPF_LISTEN, (tcp) => {
      append(this.#ipv4Listeners, tcp.sourcePort, tcp);
    });
  }

  async #loadTcpSockets(): Promise<Map<number, TcpSocket | null>> {
    const tcpSockets = new Map<number, TcpSocket | null>();
    for (const family of [AF_INET, AF_INET6])
      await this.#eachTcpSocket(family, TCPF_SOCKETS, (tcp) => {
        const at = keyOf(tcp);
        tcpSockets.set(at, tcpSockets.has(at) ? null : tcp);
      });
    this.#tcpSockets = tcpSockets;
    return tcpSockets;
  }

  /** @returns false when it is not known */
  async #eachTcpSocket(
    family: number,
    states: number,
    visit: (tcp: TcpSocket & PortPair) => void,
  ): Promise<boolean> {
    const end = await eachTcpSocket(this.#sources, family, states, visit);
    if (end === 'interrupted') this.interrupted = true;
    return end !== 'absent';
  }
}

/**
 * @returns 'absent' when it is not known: a list of SMC sockets with gaps is better than none; 'interrupted' when the list
 *   changed while it was read
 */
async function eachTcpSocket(
  sources: TcpSources,
  family: number,
  states: number,
  visit: (tcp: TcpSocket & PortPair) => void,
): Promise<'listed' | 'interrupted' | 'absent'> {
  const diag = await sources.openSockDiag();
  let isEmpty = true;
  try {
    const request = { family, protocol: IPPROTO_TCP, extensions: 0, pad: 0, states, id: anySocket };
    const dump = diag.dump(tcpDump, request);
    for await (const row of dump) {
      isEmpty = false;
      visit(row);
    }
    return dump.interrupted ? 'interrupted' : 'listed';
  } catch (error) {
    // no module tcp_diag; a list that breaks off is another matter
    if (!isEmpty || !(error instanceof NetlinkError) || error.code !== 'ENOENT') throw error;
  } finally {
    diag.close();
  }
  return eachInProc(sources, family, states, visit) ? 'listed' : 'absent';
}

/** The same from /proc, as ss does. It is slower and has no end in sight while sockets come and go. */
function eachInProc(
  { hostRoot, order }: TcpSources,
  family: number,
  states: number,
  visit: (tcp: TcpSocket & PortPair) => void,
): boolean {
  try {
    for (const { state, ...tcp } of tcpTable(family === AF_INET6 ? 'tcp6' : 'tcp', hostRoot, order))
      if (states & (1 << state)) visit({ family, ...tcp });
    return true;
  } catch {
    return false;
  }
}

function fromTcpSocket(socket: SmcSocket, tcpSockets: Map<number, TcpSocket | null>): void {
  const tcp = tcpSockets.get(key(socket.local.port, socket.peer.port));
  if (!tcp) return;
  const text = tcp.family === AF_INET6 ? formatIpv6 : formatIpv4;
  socket.addressFamily = tcp.family === AF_INET6 ? 'ipv6' : 'ipv4';
  socket.local.address = text(tcp.source);
  socket.peer.address = text(tcp.destination);
}

const ipv6At = ({ data }: RawAddresses, at: number): string => formatIpv6(data, at);

/** Words 1 to 3 are zero, as the kernel leaves them for IPv4. */
function looksIpv4(view: DataView, at: number): boolean {
  return view.getInt32(at + 4) === 0 && view.getInt32(at + 8) === 0 && view.getInt32(at + 12) === 0;
}

function bytesLookIpv4(address: Uint8Array): boolean {
  for (let i = 4; i < 16; i++) if (address[i] !== 0) return false;
  return true;
}

function append<K, V>(map: Map<K, V[]>, at: K, value: V): void {
  const values = map.get(at);
  if (values) values.push(value);
  else map.set(at, [value]);
}
