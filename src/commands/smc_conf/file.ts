// SPDX-License-Identifier: MIT
/** The file that says how SMC is to be set up. Names are checked as smc_pnet and smcd check them. */
import { checkUeid } from '../../smc/eids.ts';
import { SmcError } from '../../smc/error.ts';
import { isNamespaceName } from '../../smc/network-namespace.ts';
import { checkDeviceName, checkInterfaceName, checkPnetId } from '../../smc/pnet-table.ts';
import { checkSysctl, SYSCTLS } from '../../smc/sysctls.ts';
import { memberKey, type PnetMember } from './changes.ts';
import type { Configuration, NamespaceSettings, PnetDevice, PnetNetwork } from './configuration.ts';
import { FileError, type Place } from './file-error.ts';
import { type Entry, NodeReader } from './nodes.ts';
import { readServices } from './service-section.ts';
import { nameInMessages, readSource } from './source.ts';
import { isMap, type ParsedNode, type ParsedText, parseYaml } from './yaml.ts';

/** A file without mistakes. */
export interface ConfigurationFile {
  /** as it is called in messages */
  name: string;
  configuration: Configuration;
  /** where something is, by `placeKey` */
  places: ReadonlyMap<string, Place>;
  document: ParsedText['document'];
}

/** @param what `memberKey`, "ueid A", "sysctl wmem", "seid", "handshake_limit", "service a.service" or "namespace" */
export const placeKey = (namespace: string | undefined, what: string): string => `${namespace ?? ''}/${what}`;

/** @throws FileError with all mistakes; SmcError NOT_FOUND; Node's own error when it cannot be read */
export async function readConfigurationFile(file: string): Promise<ConfigurationFile> {
  return parseConfiguration(await readSource(file), nameInMessages(file));
}

/**
 * @param name of the file in messages
 * @throws FileError with all mistakes
 */
export function parseConfiguration(text: string, name: string): ConfigurationFile {
  const parsed = parseYaml(text, name);
  const reader = new NodeReader(parsed);
  const places = new Map<string, Place>();
  const configuration = new FileReader(reader, places).read(parsed.document.contents as ParsedNode | null);
  if (reader.problems.length > 0) throw new FileError(name, reader.problems);
  return { name, configuration, places, document: parsed.document };
}

const VERSION = 1;

const OF_NAMESPACE = ['pnet', 'handshake_limit', 'sysctls'] as const;
const OF_HOST = ['$schema', 'version', ...OF_NAMESPACE, 'ueids', 'seid', 'services', 'namespaces'] as const;

const ONE_FOR_ALL = 'it is one for the whole host: put it at the top of the file';

/** What belongs to the host as a whole. */
const NOT_IN_NAMESPACE: Readonly<Record<string, string>> = {
  version: 'it is at the top of the file',
  ueids: ONE_FOR_ALL,
  seid: ONE_FOR_ALL,
  services: 'the unit of a service names its network namespace; put it at the top of the file',
  namespaces: 'namespaces are not nested here: put it at the top of the file',
};

type Fields = ReadonlyMap<string, Entry>;

class FileReader {
  readonly #reader: NodeReader;
  readonly #places: Map<string, Place>;

  constructor(reader: NodeReader, places: Map<string, Place>) {
    this.#reader = reader;
    this.#places = places;
  }

  read(contents: ParsedNode | null): Configuration {
    const start = isMap(contents) ? contents : null;
    const version = this.#versionOf(contents);
    // what another version has cannot be judged
    if (version !== VERSION && version !== undefined) return {};
    const fields = this.#reader.fields(contents, '', start, OF_HOST);
    if (!fields) return {};
    const schema = fields.get('$schema');
    if (schema) this.#reader.text(schema.value, '$schema', schema.at);
    return {
      ...this.#settings(fields, '', undefined),
      ueids: this.#ueids(fields.get('ueids')),
      seid: this.#boolean(fields.get('seid'), 'seid', undefined),
      services: readServices(this.#reader, fields.get('services'), (unit, at) =>
        this.#note(undefined, `service ${unit}`, at),
      ),
      namespaces: this.#namespaces(fields.get('namespaces')),
    };
  }

  /** @returns what is there instead of the right number; `undefined` if there is none */
  #versionOf(contents: ParsedNode | null): unknown {
    if (!isMap<ParsedNode, ParsedNode | null>(contents)) return undefined;
    const hint = `write version: ${VERSION}`;
    if (!contents.has('version')) {
      this.#reader.problem(contents, 'there is no version', hint);
      return undefined;
    }
    const version: unknown = contents.get('version');
    if (version === VERSION) return version;
    const node = contents.get('version', true) as ParsedNode | undefined;
    const isLater = typeof version === 'number' && version > VERSION;
    this.#reader.problem(
      node ?? contents,
      isLater ? `version ${version} is not known here` : `version must be the number ${VERSION}`,
      isLater ? `this smc_conf reads version ${VERSION}; a later one may read it` : hint,
    );
    return isLater ? version : undefined;
  }

  #note(namespace: string | undefined, what: string, at: ParsedNode | null): void {
    this.#places.set(placeKey(namespace, what), this.#reader.placeOf(at));
  }

  /** Notes a place. @returns false, after a message, if there is one already */
  #isFirst(namespace: string | undefined, key: string, at: ParsedNode | null, words: string): boolean {
    const first = this.#places.get(placeKey(namespace, key));
    if (first) this.#reader.twice(at, words, first);
    else this.#note(namespace, key, at);
    return !first;
  }

  #boolean(entry: Entry | undefined, path: string, namespace: string | undefined): boolean | undefined {
    if (!entry) return undefined;
    this.#note(namespace, entry.key, entry.at);
    return this.#reader.boolean(entry, path);
  }

  #settings(fields: Fields, prefix: string, namespace: string | undefined): NamespaceSettings {
    return {
      pnet: this.#pnet(fields.get('pnet'), `${prefix}pnet`, namespace),
      handshakeLimit: this.#boolean(fields.get('handshake_limit'), `${prefix}handshake_limit`, namespace),
      sysctls: this.#sysctls(fields.get('sysctls'), `${prefix}sysctls`, namespace),
    };
  }

  #pnet(
    entry: Entry | undefined,
    path: string,
    namespace: string | undefined,
  ): Map<string, PnetNetwork> | undefined {
    if (!entry) return undefined;
    const table = new Map<string, PnetNetwork>();
    for (const { key, at, value } of this.#reader.mapping(entry.value, path, entry.at) ?? []) {
      const pnetId = this.#reader.checked(at, path, () => checkPnetId(key));
      const network = this.#network(value, `${path}.${key}`, at, namespace);
      if (pnetId === undefined || !this.#isFirst(namespace, `pnet ${pnetId}`, at, `PNET ID ${pnetId}`))
        continue;
      if (network.interfaces.length + network.devices.length > 0) table.set(pnetId, network);
    }
    return table;
  }

  #network(
    value: ParsedNode | null,
    path: string,
    at: ParsedNode,
    namespace: string | undefined,
  ): PnetNetwork {
    const inInitial = 'RDMA and ISM devices belong in the table of the initial network namespace';
    const elsewhere = { rdma_devices: inInitial, ism_devices: inInitial };
    const known = ['interfaces', 'rdma_devices', 'ism_devices'] as const;
    const fields =
      namespace === undefined
        ? this.#reader.fields(value, path, at, known)
        : this.#reader.fields(value, path, at, ['interfaces'], elsewhere);
    const interfaces = this.#items(fields?.get('interfaces'), `${path}.interfaces`, (node, where) => {
      const name = this.#name(node, where, checkInterfaceName);
      return name !== undefined && this.#isFree(namespace, { interface: name }, node) ? name : undefined;
    });
    const device = (node: ParsedNode | null, found: PnetDevice | undefined): PnetDevice | undefined =>
      found && this.#isFree(namespace, { device: found }, node) ? found : undefined;
    const rdma = this.#items(fields?.get('rdma_devices' as never), `${path}.rdma_devices`, (node, where) =>
      device(node, this.#rdmaDevice(node, where)),
    );
    const ism = this.#items(fields?.get('ism_devices' as never), `${path}.ism_devices`, (node, where) => {
      const name = this.#name(node, where, checkDeviceName);
      return device(node, name === undefined ? undefined : { name, port: 1, kind: 'ism' });
    });
    return { interfaces, devices: [...rdma, ...ism] };
  }

  #items<T>(
    entry: Entry | undefined,
    path: string,
    read: (node: ParsedNode | null, path: string) => T | undefined,
  ): T[] {
    if (!entry) return [];
    const items = this.#reader.list(entry, path) ?? [];
    return items.flatMap((node, index) => {
      const item = read(node, `${path}[${index}]`);
      return item === undefined ? [] : [item];
    });
  }

  #name(node: ParsedNode | null, path: string, check: (name: string) => void): string | undefined {
    const name = this.#reader.text(node, path, node);
    if (name === undefined) return undefined;
    return this.#reader.checked(node, path, () => {
      check(name);
      return name;
    });
  }

  /** A name, or name and port. */
  #rdmaDevice(node: ParsedNode | null, path: string): PnetDevice | undefined {
    if (!isMap(node)) {
      const name = this.#name(node, path, checkDeviceName);
      return name === undefined ? undefined : { name, port: 1, kind: 'rdma' };
    }
    const fields = this.#reader.fields(node, path, node, ['name', 'port']);
    const name = fields?.get('name');
    if (!name) {
      this.#reader.problem(node, `${path}: a device needs a name`, 'write {name: NAME, port: 1 or 2}');
      return undefined;
    }
    const text = this.#name(name.value, `${path}.name`, checkDeviceName);
    const entry = fields?.get('port');
    const port = entry ? this.#reader.number(entry, `${path}.port`, '1 or 2') : 1;
    if (port === undefined) return undefined;
    if (port !== 1 && port !== 2) {
      this.#reader.problem(entry?.value ?? node, `${path}.port must be 1 or 2, not ${port}`);
      return undefined;
    }
    return text === undefined ? undefined : { name: text, port, kind: 'rdma' };
  }

  /** The kernel gives an interface or a port one PNET ID. */
  #isFree(namespace: string | undefined, member: PnetMember, at: ParsedNode | null): boolean {
    const key = memberKey(member);
    return this.#isFirst(namespace, key, at, key.replace(/(^device .*) (\d)$/, '$1 port $2'));
  }

  #sysctls(
    entry: Entry | undefined,
    path: string,
    namespace: string | undefined,
  ): Map<string, string> | undefined {
    if (!entry) return undefined;
    const values = new Map<string, string>();
    const known = SYSCTLS.map(({ name }) => name).filter((name) => name !== 'limit_smc_hs');
    const refused = {
      limit_smc_hs: `it is the same as ${path.replace(/sysctls$/, 'handshake_limit')}: true or false`,
      ...Object.fromEntries(known.map((name) => [`net.smc.${name}`, `write ${name}`])),
    };
    const fields = this.#reader.fields(entry.value, path, entry.at, known, refused);
    for (const [name, setting] of fields ?? []) {
      const where = `${path}.${name}`;
      const text = this.#reader.numberOrText(setting, where);
      const value =
        text === undefined
          ? undefined
          : this.#reader.checked(setting.value, where, () => checkSysctl(name, text));
      this.#note(namespace, `sysctl ${name}`, setting.at);
      if (value !== undefined) values.set(name, value);
    }
    return values;
  }

  #ueids(entry: Entry | undefined): string[] | undefined {
    if (!entry) return undefined;
    return this.#items(entry, 'ueids', (node, path) => {
      const text = this.#reader.text(node, path, entry.at);
      const ueid = text === undefined ? undefined : this.#reader.checked(node, path, () => checkUeid(text));
      if (ueid === undefined) return undefined;
      return this.#isFirst(undefined, `ueid ${ueid}`, node, `UEID ${ueid}`) ? ueid : undefined;
    });
  }

  #namespaces(entry: Entry | undefined): Map<string, NamespaceSettings> | undefined {
    if (!entry) return undefined;
    const namespaces = new Map<string, NamespaceSettings>();
    for (const { key, at, value } of this.#reader.mapping(entry.value, 'namespaces', entry.at) ?? []) {
      const path = `namespaces.${key}`;
      this.#reader.checked(at, 'namespaces', () => {
        if (!isNamespaceName(key))
          throw new SmcError('INVALID', `${JSON.stringify(key)} cannot be the name of a network namespace`, {
            hint: 'it is a file name, as ip netns lists it',
          });
      });
      const fields = this.#reader.fields(value, path, at, OF_NAMESPACE, NOT_IN_NAMESPACE);
      this.#note(key, 'namespace', at);
      if (fields) namespaces.set(key, this.#settings(fields, `${path}.`, key));
    }
    return namespaces;
  }
}
