import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** One end of a virtual wire between two guests. Each end can be used for one guest, once. */
export interface CableEnd {
  /** Address of the guest's network device eth0. */
  readonly mac: string;
  /** IPv4 address that eth0 gets at boot, in a /24 network. */
  readonly address: string;
  /**
   * Releases the ports of the wire, and returns QEMU's options for this end.
   *
   * @throws Error when this end is already in use
   */
  plug(): Promise<string[]>;
}

/**
 * A virtual wire for two guests of this machine, over UDP on the loopback device. The first end has the
 * address 192.168.77.1, the second 192.168.77.2. The guests can be booted at different times: packets
 * to an end without a guest are lost, as on any wire.
 */
export function cable(): [CableEnd, CableEnd] {
  const ports: [Promise<Port>, Promise<Port>] = [reservePort(), reservePort()];
  for (const port of ports) port.catch(() => {});
  const wire = randomBytes(2)
    .toString('hex')
    .replace(/(..)(..)/, '$1:$2');
  const end = (number: 1 | 2): CableEnd => {
    const mac = `52:54:00:${wire}:0${number}`;
    let plugged = false;
    return {
      mac,
      address: `192.168.77.${number}`,
      plug: async () => {
        if (plugged) throw new Error(`end ${number} of the cable is plugged into a guest already`);
        plugged = true;
        const [first, second] = await Promise.all(ports);
        const [mine, peer] = number === 1 ? [first, second] : [second, first];
        await mine.release();
        return [
          ...['-netdev', `socket,id=cable,udp=127.0.0.1:${peer.number},localaddr=127.0.0.1:${mine.number}`],
          ...['-device', `virtio-net-pci,netdev=cable,mac=${mac},romfile=`],
        ];
      },
    };
  };
  return [end(1), end(2)];
}

interface Port {
  number: number;
  /** Closes the socket that reserves the port. */
  release(): Promise<void>;
}

async function reservePort(): Promise<Port> {
  const socket: Socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.unref();
  return {
    number: socket.address().port,
    release: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
