// SPDX-License-Identifier: MIT
/** A kernel that keeps the settings of SMC as a real one does, and fails when a test wants it to. */
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { Errno, FakeKernel, type Handler } from './fake-kernel.ts';

export interface TableEntry {
  name: string;
  ethName: string;
  ibName: string;
  ibPort: number;
}

export const onInterface = (name: string, ethName: string): TableEntry => ({
  name,
  ethName,
  ibName: 'n/a',
  ibPort: 255,
});

export const onDevice = (name: string, ibName: string, ibPort = 1): TableEntry => ({
  name,
  ethName: 'n/a',
  ibName,
  ibPort,
});

/** What mainline kernels have room for. */
const UEID_MAX = 4;

export class SettingsKernel extends FakeKernel {
  table: TableEntry[];
  ueids: string[];
  limitsHandshakes = false;
  /** IBM Z has one that can be switched; the kernel itself switches it on when the last UEID goes */
  seid: { entry: string; enabled: 0 | 1 } | undefined;
  /** attributes of GET_DEV_SMCR; PNET IDs are those of the test */
  rdmaDevices: object[] = [];
  /** requests that change something, in order, also those that failed */
  readonly requests: string[] = [];
  /** called before such a request; throws an Errno to have it fail. @param count of requests so far, this one included */
  beforeRequest: (count: number, request: string) => void = () => {};
  /** does not answer any more */
  isGone = false;

  constructor(table: TableEntry[] = [], ueids: string[] = []) {
    super();
    this.table = table;
    this.ueids = ueids;
    const change =
      (name: string, handler: (attributes: Partial<TableEntry> & { entry?: string }) => void): Handler =>
      (attributes) => {
        // the probe whether devices are taken here
        if (attributes['ibPort'] === 3) throw new Errno('EINVAL');
        this.requests.push(`${name} ${Object.values(attributes).join(' ')}`.trim());
        this.beforeRequest(this.requests.length, this.requests.at(-1)!);
        handler(attributes);
        return undefined;
      };
    this.raw = (request) => (this.isGone ? [this.error(request, 'EIO')] : undefined);
    this.serve(smcPnetid, {
      GET: () => [...this.table],
      ADD: change('ADD', (entry) => this.#add(entry)),
      DEL: change('DEL', ({ name }) => this.#delete(name!)),
    });
    this.serve(smcGenNetlink, {
      GET_DEV_SMCR: () => this.rdmaDevices,
      DUMP_UEID: () => this.ueids.map((entry) => ({ entry })),
      DUMP_SEID: () => [this.seid ?? {}],
      DUMP_HS_LIMITATION: () => [{ enabled: this.limitsHandshakes ? 1 : 0 }],
      ADD_UEID: change('ADD_UEID', ({ entry }) => {
        if (this.ueids.length >= UEID_MAX) throw new Errno('ERANGE');
        if (this.ueids.includes(entry!)) throw new Errno('EEXIST');
        this.ueids.push(entry!);
      }),
      REMOVE_UEID: change('REMOVE_UEID', ({ entry }) => {
        if (!this.ueids.includes(entry!)) throw new Errno('ENOENT');
        this.ueids = this.ueids.filter((ueid) => ueid !== entry);
        if (!this.seid || this.ueids.length > 0) return;
        this.seid.enabled = 1;
        throw new Errno('EAGAIN');
      }),
      ENABLE_SEID: change('ENABLE_SEID', () => this.#switchSeid(1)),
      DISABLE_SEID: change('DISABLE_SEID', () => this.#switchSeid(0)),
      ENABLE_HS_LIMITATION: change('ENABLE_HS_LIMITATION', () => {
        this.limitsHandshakes = true;
      }),
      DISABLE_HS_LIMITATION: change('DISABLE_HS_LIMITATION', () => {
        this.limitsHandshakes = false;
      }),
    });
  }

  /** Everything that can be set, in an order of its own. */
  get settings(): object {
    const text = ({ name, ethName, ibName, ibPort }: TableEntry): string =>
      `${name} ${ethName} ${ibName} ${ibPort}`;
    return {
      table: this.table.map(text).sort(),
      ueids: [...this.ueids].sort(),
      limitsHandshakes: this.limitsHandshakes,
    };
  }

  #switchSeid(enabled: 0 | 1): void {
    if (!this.seid) throw new Errno('EOPNOTSUPP');
    if (!enabled && this.ueids.length === 0) throw new Errno('ENOENT');
    this.seid.enabled = enabled;
  }

  #add({ name = '', ethName, ibName, ibPort = 1 }: Partial<TableEntry>): void {
    const isKnown = this.table.some(
      (entry) =>
        (ethName !== undefined && entry.ethName === ethName) ||
        (ibName !== undefined && entry.ibName === ibName),
    );
    if (isKnown) throw new Errno('EEXIST');
    if (ethName !== undefined) this.table.push(onInterface(name, ethName));
    if (ibName !== undefined) this.table.push(onDevice(name, ibName, ibPort));
  }

  #delete(name: string): void {
    if (!this.table.some((entry) => entry.name === name)) throw new Errno('ENOENT');
    this.table = this.table.filter((entry) => entry.name !== name);
  }
}
