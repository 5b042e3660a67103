// SPDX-License-Identifier: MIT
/**
 * Puts a state into a file that is there, and keeps its comments, its order, and how its values are written. What the file
 * mentions becomes what the state is. What it does not mention is added only if it is not as the kernel starts with it.
 */
import { isDeepStrictEqual } from 'node:util';
import { foldPnetId } from '../../smc/pnet-table.ts';
import { checkSysctl, SYSCTLS } from '../../smc/sysctls.ts';
import { memberKey } from './changes.ts';
import type { Configuration, NamespaceSettings, PnetDevice, PnetNetwork } from './configuration.ts';
import { documentOf, rdmaDeviceOf, sectionsOf } from './document.ts';
import type { ConfigurationFile } from './file.ts';
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  TO_STRING,
  type YAMLMap,
  type YAMLSeq,
} from './yaml.ts';

/** @returns the new text of the file; the old one if all is in it */
export function mergedFile(file: ConfigurationFile, text: string, state: Configuration): string {
  const merger = new Merger(file.document);
  merger.merge(state);
  if (!merger.isChanged) return text;
  if (isJson(text)) return `${JSON.stringify(file.document.toJS(), undefined, 2)}\n`;
  return file.document.toString({ ...TO_STRING, ...styleOf(text) });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** How a file indents and uses brackets. */
function styleOf(text: string): { indent: number; indentSeq: boolean; flowCollectionPadding: boolean } {
  // the first line below a key at the top, without comments
  const [, blanks] = /^[^\s#-].*:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*( +)[^\s#-]/m.exec(text) ?? [];
  return {
    indent: Math.min(blanks?.length ?? 2, 8),
    indentSeq: !/^( *)\S.*:[ \t]*(?:#.*)?\n\1- /m.test(text),
    flowCollectionPadding: /[[{] /.test(text),
  };
}

class Merger {
  isChanged = false;
  readonly #document: Document;

  constructor(document: ConfigurationFile['document']) {
    this.#document = document as unknown as Document;
    // texts that other readers of YAML would take for numbers get quotes
    this.#document.setSchema('1.2', { compat: 'yaml-1.1' });
  }

  merge(state: Configuration): void {
    const top = this.#document.contents;
    if (!isMap(top)) return;
    const own = documentOf(state);
    this.#settings(top, state);
    const ueids = child(top, 'ueids');
    if (isSeq(ueids)) this.#list(ueids, own.ueids ?? [], (item) => String(item).trimEnd().toUpperCase());
    else if (own.ueids?.length) this.#set(top, 'ueids', own.ueids);
    // IBM Z starts with it switched on
    if (own.seid !== undefined && (top.has('seid') || !own.seid)) this.#set(top, 'seid', own.seid);
    const services = child(top, 'services');
    for (const [unit, settings] of Object.entries(own.services ?? {}))
      if (isMap(services)) this.#set(services, unit, settings, unitName);
      else this.#set(top, 'services', own.services);
    if (isMap(services) && state.services)
      this.#keep(services, (key) => state.services?.has(unitName(key)) ?? false);
    this.#namespaces(top, state);
  }

  #namespaces(top: YAMLMap, { namespaces }: Configuration): void {
    for (const [name, settings] of namespaces ?? []) {
      const all = child(top, 'namespaces');
      const there = isMap(all) ? child(all, name) : undefined;
      if (isMap(there)) this.#settings(there, settings);
      else if (!isAsStarted(settings)) {
        const sections = sectionsOf(settings);
        if (isMap(all)) this.#set(all, name, sections);
        else this.#set(top, 'namespaces', { [name]: sections });
      }
    }
  }

  #settings(map: YAMLMap, { pnet, handshakeLimit, sysctls }: NamespaceSettings): void {
    const table = child(map, 'pnet');
    if (pnet && isMap(table)) this.#table(table, pnet);
    else if (pnet && pnet.size > 0) this.#set(map, 'pnet', sectionsOf({ pnet }).pnet);
    if (handshakeLimit !== undefined && (map.has('handshake_limit') || handshakeLimit))
      this.#set(map, 'handshake_limit', handshakeLimit);
    for (const { name, default: start, range } of SYSCTLS) {
      const value = sysctls?.get(name);
      if (value === undefined) continue;
      const there = child(map, 'sysctls');
      const old = isMap(there) ? child(there, name) : undefined;
      if (!isScalar(old) ? value === start : isSameSetting(name, old.value, value)) continue;
      const written = range ? Number(value) : value;
      if (isMap(there)) this.#set(there, name, written);
      else this.#set(map, 'sysctls', { [name]: written });
    }
  }

  #table(table: YAMLMap, pnet: ReadonlyMap<string, PnetNetwork>): void {
    for (const [id, network] of pnet) {
      const there = child(table, id, foldPnetId);
      if (isMap(there)) this.#network(there, network);
      else this.#set(table, id, sectionsOf({ pnet: new Map([[id, network]]) }).pnet?.[id], foldPnetId);
    }
    this.#keep(table, (key) => pnet.has(foldPnetId(key)));
  }

  #network(map: YAMLMap, { interfaces, devices }: PnetNetwork): void {
    this.#listOf(map, 'interfaces', [...interfaces], (item) => String(item));
    // a device that is not there may be in either list
    const inList = (name: string): PnetDevice[] => {
      const list = child(map, name);
      return isSeq(list)
        ? (list.toJSON() as unknown[]).map((item) => deviceOf(item, name === 'ism_devices' ? 'ism' : 'rdma'))
        : [];
    };
    const isIn = (list: readonly PnetDevice[], device: PnetDevice): boolean =>
      list.some((one) => memberKey({ device: one }) === memberKey({ device }));
    const ofIsm = devices.filter((device) =>
      isIn(inList('ism_devices'), device)
        ? true
        : device.kind === 'ism' && !isIn(inList('rdma_devices'), device),
    );
    const ofRdma = devices.filter((device) => !ofIsm.includes(device));
    const key = (item: unknown): string => memberKey({ device: deviceOf(item, 'rdma') });
    this.#listOf(map, 'rdma_devices', ofRdma.map(rdmaDeviceOf), key);
    this.#listOf(
      map,
      'ism_devices',
      ofIsm.map(({ name }) => name),
      key,
    );
  }

  /** A list that is not there if it would be empty. */
  #listOf(map: YAMLMap, name: string, items: readonly unknown[], key: (item: unknown) => string): void {
    const list = child(map, name);
    if (isSeq(list) && items.length === 0) this.#keep(map, (one) => one !== name);
    else if (isSeq(list)) this.#list(list, items, key);
    else if (items.length > 0) this.#set(map, name, items);
  }

  #list(list: YAMLSeq, items: readonly unknown[], key: (item: unknown) => string): void {
    const wanted = new Map(items.map((item) => [key(item), item]));
    const names = (list.toJSON() as unknown[]).map(key);
    const before = list.items.length;
    list.items = list.items.filter((_, index) => wanted.has(names[index]!));
    if (list.items.length < before) this.isChanged = true;
    for (const [name, item] of wanted)
      if (!names.includes(name)) {
        list.add(this.#document.createNode(item));
        this.isChanged = true;
      }
    if (list.items.length === 0) list.flow = true;
  }

  /** Removes the keys that do not pass. */
  #keep(map: YAMLMap, isWanted: (key: string) => boolean): void {
    const before = map.items.length;
    map.items = map.items.filter(({ key }) => isWanted(keyText(key)));
    if (map.items.length < before) this.isChanged = true;
    if (map.items.length === 0) map.flow = true;
  }

  /** A scalar keeps its comment. */
  #set(map: YAMLMap, name: string, value: unknown, fold: Fold = asIs): void {
    const pair = pairIn(map, name, fold);
    if (!pair) map.add(this.#document.createPair(name, value));
    else if (isScalar(pair.value) && (typeof value !== 'object' || value === null)) {
      if (pair.value.value === value) return;
      pair.value.value = value;
      delete pair.value.source;
      delete pair.value.format;
    } else {
      if (isDeepStrictEqual(pair.value?.toJSON(), value)) return;
      pair.value = this.#document.createNode(value);
    }
    this.isChanged = true;
  }
}

/** Makes spellings of one name the same. */
type Fold = (key: string) => string;

const asIs: Fold = (key) => key;

/** A key as a text: 100 is a name, too. */
const keyText = (key: unknown): string =>
  isScalar(key) && typeof key.value !== 'string'
    ? (key.source ?? '')
    : String(isScalar(key) ? key.value : key);

function pairIn(map: YAMLMap, name: string, fold: Fold): Pair<unknown, Node> | undefined {
  return map.items.find(({ key }) => fold(keyText(key)) === name) as Pair<unknown, Node> | undefined;
}

/** What a map has under a name. */
const child = (map: YAMLMap, name: string, fold: Fold = asIs): unknown => pairIn(map, name, fold)?.value;

const unitName = (key: string): string => (key.endsWith('.service') ? key : `${key}.service`);

function deviceOf(item: unknown, kind: PnetDevice['kind']): PnetDevice {
  if (typeof item === 'string') return { name: item, port: 1, kind };
  const { name, port = 1 } = item as { name: string; port?: number };
  return { name, port, kind };
}

function isSameSetting(name: string, written: unknown, value: string): boolean {
  return checkSysctl(name, String(written)) === value;
}

/** Whether a namespace is as the kernel starts it. */
export function isAsStarted({ pnet, handshakeLimit, sysctls }: NamespaceSettings): boolean {
  return (
    !pnet?.size &&
    !handshakeLimit &&
    SYSCTLS.every(({ name, default: start }) => (sysctls?.get(name) ?? start) === start)
  );
}
