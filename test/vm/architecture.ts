import type { Use } from './packages.ts';

/** Node's name of the machine: `x64` for this one, on its own files; `s390x`, on Debian's for it. */
export type Architecture = 'x64' | 's390x';

/** What differs between the machines that a guest can be. */
export interface Platform {
  /** Debian's name. */
  debian: string;
  /** The kernel's name, for `ARCH=` of kbuild. */
  kernel: string;
  /** What the names of compiler and binutils begin with on this machine. */
  tools: string;
  /** What of Debian's packages compiling takes, beside what it takes for this machine. */
  toolUses: readonly Use[];
  /** What of Debian's packages booting takes. */
  uses: readonly Use[];
  qemu: string;
  /** QEMU's arguments for the machine itself, the console on stdin and stdout included. */
  machine: readonly string[];
  /** The suffix of QEMU's virtio devices. */
  bus: 'pci' | 'ccw';
  /** QEMU's arguments for a line to the guest whose other end is a UNIX socket. */
  channel(socket: string): string[];
  /** That line in the guest. */
  channelDevice: string;
  /** More words for the kernel's command line. */
  commandLine: string;
  /** Modules of the initramfs that other machines do not have, or have built in. */
  modules: readonly string[];
}

export const platforms: Record<Architecture, Platform> = {
  x64: {
    debian: 'amd64',
    kernel: 'x86',
    tools: '',
    toolUses: [],
    uses: ['guest'],
    qemu: 'qemu-system-x86_64',
    // The fewer features, the less there is to emulate: with AVX and five levels of page tables, the start of a command
    // of the suite takes a third more processor time.
    machine: ['-M', 'q35', '-cpu', 'Westmere,rdrand=on', '-serial', 'stdio'],
    bus: 'pci',
    channel: (socket) => ['-serial', `unix:${socket}`],
    channelDevice: '/dev/ttyS1',
    // no_timer_check: on a busy machine the emulated timer comes too late for that check, and the kernel gives up
    // norandmaps: QEMU keeps what it has translated by address, so programs at new addresses are translated again
    commandLine: 'mitigations=off no_timer_check norandmaps',
    modules: ['virtio_pci'],
  },
  s390x: {
    debian: 's390x',
    kernel: 's390',
    tools: 's390x-linux-gnu-',
    toolUses: ['build-s390x'],
    uses: ['guest', 'guest-s390x'],
    qemu: 'qemu-system-s390x',
    machine: [
      ...[
        '-M',
        's390-ccw-virtio',
        '-cpu',
        'max',
        '-chardev',
        'stdio,id=console',
        '-device',
        'sclpconsole,chardev=console',
      ],
      ...['-device', 'virtio-serial-ccw'],
    ],
    bus: 'ccw',
    channel: (socket) => [
      ...['-chardev', `socket,id=channel,path=${socket}`, '-device', 'virtconsole,chardev=channel'],
    ],
    channelDevice: '/dev/hvc0',
    commandLine: '',
    modules: [],
  },
};
