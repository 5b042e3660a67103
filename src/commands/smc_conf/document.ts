// SPDX-License-Identifier: MIT
/** A configuration as the values of a file. */
import type {
  ConfigurationDocument,
  NamespaceSection,
  PnetNetworkSection,
  RdmaDeviceSection,
  ServiceSection,
  SysctlsSection,
} from '../../documents/smc_conf.ts';
import { SYSCTLS } from '../../smc/sysctls.ts';
import type {
  Configuration,
  NamespaceSettings,
  PnetDevice,
  PnetNetwork,
  ServiceSettings,
} from './configuration.ts';

/** The values of a file with everything that a configuration has, in the order of the file. */
export function documentOf(configuration: Configuration): ConfigurationDocument {
  const { ueids, seid, services, namespaces } = configuration;
  const { pnet, ...others } = sectionsOf(configuration);
  return {
    version: 1,
    ...(pnet && { pnet }),
    ...(ueids && { ueids: [...ueids].sort() }),
    ...(seid !== undefined && { seid }),
    ...others,
    ...(services && services.size > 0 && { services: byName(services, serviceOf) }),
    ...(namespaces && namespaces.size > 0 && { namespaces: byName(namespaces, sectionsOf) }),
  };
}

/** What a namespace has. */
export function sectionsOf({ pnet, handshakeLimit, sysctls }: NamespaceSettings): NamespaceSection {
  return {
    ...(pnet && { pnet: byName(pnet, networkOf) }),
    ...(handshakeLimit !== undefined && { handshake_limit: handshakeLimit }),
    ...(sysctls && { sysctls: sysctlsOf(sysctls) }),
  };
}

function byName<T, Section>(
  map: ReadonlyMap<string, T>,
  make: (value: T) => Section,
): Record<string, Section> {
  const names = [...map.keys()].sort();
  return Object.fromEntries(names.map((name) => [name, make(map.get(name)!)]));
}

function networkOf({ interfaces, devices }: PnetNetwork): PnetNetworkSection {
  const rdma = devices.filter(({ kind }) => kind === 'rdma').map(rdmaDeviceOf);
  const ism = devices.filter(({ kind }) => kind === 'ism').map(({ name }) => name);
  return {
    ...(interfaces.length > 0 && { interfaces: [...interfaces] }),
    ...(rdma.length > 0 && { rdma_devices: rdma }),
    ...(ism.length > 0 && { ism_devices: ism }),
  };
}

/** A text for port 1, as most devices have no other. */
export function rdmaDeviceOf({ name, port }: PnetDevice): string | RdmaDeviceSection {
  return port === 1 ? name : { name, port: 2 };
}

/** In the order of smcd sysctl. */
function sysctlsOf(sysctls: ReadonlyMap<string, string>): SysctlsSection {
  return Object.fromEntries(
    SYSCTLS.flatMap(({ name, range }) => {
      const value = sysctls.get(name);
      return value === undefined ? [] : [[name, range ? Number(value) : value]];
    }),
  );
}

function serviceOf({ only, except, ...settings }: ServiceSettings): ServiceSection {
  return { ...settings, ...(only && { only: [...only] }), ...(except && { except: [...except] }) };
}
