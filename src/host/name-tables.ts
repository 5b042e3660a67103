// SPDX-License-Identifier: MIT
/** Names of /etc/services and /etc/passwd. Other sources of names, such as LDAP, are not asked. */
import { readText } from './sysfs.ts';

/** Port of a TCP service by its name or another name of it; `undefined` for a name that /etc/services does not have. */
export function servicePort(service: string, root: string): number | undefined {
  for (const line of lines('etc/services', root)) {
    const [name, port = '', ...others] = line.replace(/#.*/, '').trim().split(/\s+/);
    if ((name === service || others.includes(service)) && /^\d+\/tcp$/.test(port))
      return Number.parseInt(port, 10);
  }
  return undefined;
}

/** Number of a user; `undefined` for a name that /etc/passwd does not have. */
export function userId(user: string, root: string): number | undefined {
  for (const line of lines('etc/passwd', root)) {
    const [name, , id = ''] = line.split(':');
    if (name === user && /^\d+$/.test(id)) return Number(id);
  }
  return undefined;
}

const lines = (file: string, root: string): string[] => (readText(`${root}/${file}`) ?? '').split('\n');
