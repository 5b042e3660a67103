// SPDX-License-Identifier: MIT
/** Generic netlink: families, found by name, and their commands. */
import { constants } from 'node:os';
import { type ByteOrder, MalformedError, u8, u16 } from './codec.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { NetlinkError } from './error.ts';
import type { GenlCommand } from './family.ts';
import { type Infer, struct } from './schema.ts';
import type { Dump, Exchange } from './transaction.ts';
import {
  CTRL_CMD_GETFAMILY,
  CTRL_CMD_NEWFAMILY,
  controller,
  GENL_ID_CTRL,
  GENL_MAX_ID,
  NETLINK_GENERIC,
} from './uapi/netlink.ts';

/** struct genlmsghdr */
export const genlHeader = struct('genlmsghdr', { command: u8, version: u8, reserved: u16 });

/** A family in the running kernel. */
export interface FamilyInfo {
  /** message type; changes whenever the module is reloaded */
  id: number;
  name: string;
  version: number;
  /** commands that the kernel has, with their CTRL_ATTR_OP_FLAGS */
  operations: { id: number; flags: number }[];
}

const getFamily: GenlCommand<Infer<typeof controller>, Infer<typeof controller>> = {
  family: 'nlctrl',
  version: 1,
  id: CTRL_CMD_GETFAMILY,
  replyIds: [CTRL_CMD_NEWFAMILY],
  name: 'GETFAMILY',
  request: controller,
  reply: controller,
};

/** @throws MalformedError when the reply describes no family; all three are always sent (ctrl_fill_info) */
function familyInfo({
  familyId,
  familyName,
  version,
  operations = [],
}: Infer<typeof controller>): FamilyInfo {
  if (familyId === undefined || familyName === undefined || version === undefined)
    throw new MalformedError('a family without id, name or version');
  if (familyId < GENL_ID_CTRL || familyId > GENL_MAX_ID)
    throw new MalformedError(`a family with the id ${familyId}`);
  return {
    id: familyId,
    name: familyName,
    version,
    operations: operations.map(({ id, flags }) => ({ id, flags: flags ?? 0 })),
  };
}

/** Turns the rows of an exchange into families. */
function describing(exchange: Exchange<Infer<typeof controller>>): Exchange<FamilyInfo> {
  return { ...exchange, decode: (message) => familyInfo(exchange.decode(message)) };
}

/** The error for a reply whose messages are valid, but which is wrong as a whole. */
export function malformedReply(
  { family, name }: { family: string; name: string },
  detail: string,
): NetlinkError {
  return new NetlinkError({ op: 'decode', code: 'ERR_MALFORMED', family, command: name, detail });
}

/** Client for any number of families over one socket. */
export class GenericNetlink {
  readonly #connection: Connection;
  readonly #order: ByteOrder;
  readonly #families = new Map<string, Promise<FamilyInfo>>();
  /** names of those that were in a list, so that nobody has asked for them by name */
  readonly #listed = new Set<string>();

  private constructor(connection: Connection, known: readonly FamilyInfo[]) {
    this.#connection = connection;
    this.#order = connection.transport.order;
    this.#know(known);
  }

  /**
   * @param known families that need not be looked up; it does no harm if they have another ID by now
   * @throws NetlinkError with op "load netlink addon" or "open socket"
   */
  static async open(
    options: ConnectionOptions = {},
    known: readonly FamilyInfo[] = [],
  ): Promise<GenericNetlink> {
    return new GenericNetlink(await Connection.open(NETLINK_GENERIC, options), known);
  }

  close(): void {
    this.#connection.close();
  }

  /**
   * Looks up a family by name. If a module has that alias, the kernel loads it, whoever asks.
   * @throws NetlinkError op "resolve family", ENOENT when the kernel has no such family
   */
  resolve(name: string): Promise<FamilyInfo> {
    let pending = this.#families.get(name);
    if (!pending) {
      pending = this.#lookUp(name);
      this.#families.set(name, pending);
      pending.catch(() => this.#families.delete(name));
    }
    return pending;
  }

  /**
   * All families that the kernel has at this moment. Unlike `resolve`, this loads no module. They are not looked up later;
   * if their ID is stale by then, they are listed again.
   * @throws NetlinkError op "dump"
   */
  async families(): Promise<FamilyInfo[]> {
    const all = await this.#connection.dumpAll(describing(this.#exchange(GENL_ID_CTRL, getFamily, {})));
    this.#know(all);
    return all;
  }

  #know(families: readonly FamilyInfo[]): void {
    for (const family of families) {
      this.#families.set(family.name, Promise.resolve(family));
      this.#listed.add(family.name);
    }
  }

  /**
   * Runs a command that changes something or returns a single object ("do").
   * @returns the replies that preceded the acknowledgement
   */
  async do<Req, Rep>(command: GenlCommand<Req, Rep>, attributes: Req): Promise<Rep[]> {
    return this.#withFreshFamily(command, async (id) =>
      this.#connection.request(this.#exchange(id, command, attributes)),
    );
  }

  /** Reads a whole table; meant for tables of at most some thousand rows (see `Connection.dumpAll`). */
  async dumpAll<Rep>(command: GenlCommand<object, Rep>): Promise<Rep[]> {
    return this.#withFreshFamily(command, async (id) =>
      this.#connection.dumpAll(this.#exchange(id, command, {})),
    );
  }

  /**
   * Reads a dump that consists of exactly one message.
   * @throws NetlinkError ERR_MALFORMED when there is another number of messages. If the kernel has no memory for it, it
   *   ends some dumps as if they were empty
   */
  async one<Rep>(command: GenlCommand<object, Rep>): Promise<Rep> {
    const [reply, ...others] = await this.dumpAll(command);
    if (reply !== undefined && others.length === 0) return reply;
    const detail = reply === undefined ? 'it is empty' : `${others.length + 1} messages in place of one`;
    throw malformedReply(command, detail);
  }

  /** Streams a table. */
  async dump<Rep>(command: GenlCommand<object, Rep>): Promise<Dump<Rep>> {
    const { id } = await this.resolve(command.family);
    return this.#connection.dump(this.#exchange(id, command, {}));
  }

  /** After a reload of the module, the kernel answers ENOENT to the old family ID. So looks it up again and retries once. */
  async #withFreshFamily<T>(command: { family: string }, run: (id: number) => Promise<T>): Promise<T> {
    const { id } = await this.resolve(command.family);
    try {
      return await run(id);
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.code !== 'ENOENT') throw error;
      this.#families.delete(command.family);
      const fresh = await this.#resolveAgain(command.family);
      if (fresh.id === id) throw error; // the ID is not stale, so ENOENT is the answer to the command
      return run(fresh.id);
    }
  }

  /** Somebody who only looks must not load a module again that is being removed, so what was listed is listed again. */
  async #resolveAgain(name: string): Promise<FamilyInfo> {
    if (!this.#listed.delete(name)) return this.resolve(name);
    const found = (await this.families()).find((family) => family.name === name);
    if (found) return found;
    const { ENOENT: errno } = constants.errno;
    const command = getFamily.name;
    throw new NetlinkError({ op: 'resolve family', code: 'ENOENT', errno, family: name, command });
  }

  async #lookUp(name: string): Promise<FamilyInfo> {
    const exchange = describing(this.#exchange(GENL_ID_CTRL, getFamily, { familyName: name }));
    const [reply, ...others] = await this.#connection.request({
      ...exchange,
      family: name,
      op: 'resolve family',
    });
    const asked = { family: name, name: getFamily.name };
    if (reply === undefined) throw malformedReply(asked, 'it describes no family');
    if (others.length > 0 || reply.name !== name)
      throw malformedReply(asked, `it describes ${[reply, ...others].map(({ name }) => name)}`);
    return reply;
  }

  #exchange<Req, Rep>(familyId: number, command: GenlCommand<Req, Rep>, attributes: Req): Exchange<Rep> {
    const order = this.#order;
    const { replyIds = [command.id] } = command;
    const header = genlHeader.encode({ command: command.id, version: command.version, reserved: 0 }, order);
    return {
      family: command.family,
      command: command.name,
      type: familyId,
      payload: Buffer.concat([header, command.request.encode(attributes, order)]),
      request: { header: genlHeader, attributes: command.request },
      reply: { header: genlHeader, attributes: command.reply },
      decode({ data, offset, length }) {
        const { command: id } = genlHeader.decode(data, offset, length, order);
        if (!replyIds.includes(id))
          throw new MalformedError(`a reply to command ${id}, not to ${command.id}`);
        return command.reply.decode(data, offset + genlHeader.size, length - genlHeader.size, order);
      },
    };
  }
}
