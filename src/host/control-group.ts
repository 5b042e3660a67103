// SPDX-License-Identifier: MIT
/** What the control group of a process tells: the unit of systemd that it belongs to, and its container. */

/** What runs a container. `cri`: a runtime of Kubernetes that the path does not name. */
export type ContainerRuntime =
  | 'docker'
  | 'podman'
  | 'containerd'
  | 'cri-o'
  | 'cri'
  | 'lxc'
  | 'systemd-nspawn';

/** A container, as its runtime calls it. */
export interface Container {
  runtime: ContainerRuntime;
  /** 64 hexadecimal digits; the name for LXC and systemd-nspawn */
  id: string;
}

/** Where a process belongs. */
export interface ControlGroup {
  /** the innermost one: `nginx.service`, `session-2.scope` */
  unit: string | undefined;
  container: Container | undefined;
}

/**
 * Reads the text of /proc/PID/cgroup. Its lines have the form `0::PATH` (version 2) and `N:CONTROLLERS:PATH` (version 1).
 * The names in it come from whoever made the groups.
 */
export function parseControlGroup(text: string): ControlGroup {
  const lines = text.split('\n').flatMap((line) => {
    const [, controllers = '', path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ controllers, path: path.replace(/ \(deleted\)$/, '') }];
  });
  // systemd keeps its units in version 2, or in the tree without a controller
  const ofSystemd = lines.filter(({ controllers }) => controllers === '' || controllers === 'name=systemd');
  return {
    unit: first(ofSystemd, ({ path }) => unitOf(path)),
    container: first(lines, ({ path }) => containerOf(path)),
  };
}

function first<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Units that can have processes. */
const UNIT = /^[^/]+\.(service|scope|socket|mount|swap)$/;

const unitOf = (path: string): string | undefined => path.split('/').findLast((part) => UNIT.test(part));

/** systemd writes what is not allowed in the name of a unit as \xNN. */
export const unescaped = (name: string): string =>
  name.replace(/\\x([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

const ID = '[0-9a-f]{64}';

/** How engines call themselves in names of groups. */
const ENGINES: Readonly<Record<string, ContainerRuntime>> = {
  docker: 'docker',
  libpod: 'podman',
  'cri-containerd': 'containerd',
  nerdctl: 'containerd',
  crio: 'cri-o',
};

/** `docker-ID.scope`, `libpod-ID`, and `system.slice:docker:ID` where the engine was told the wrong driver. */
const BY_ENGINE = new RegExp(`^(?:[^:]*:)?(${Object.keys(ENGINES).join('|')})[-:](${ID})(?:\\.scope)?$`);

/** Names of groups that tell nothing but the name of a container. */
const NAMED: readonly (readonly [pattern: RegExp, runtime: ContainerRuntime])[] = [
  [/^lxc\.payload\.(.+)$/, 'lxc'],
  [/^systemd-nspawn@(.+)\.service$/, 'systemd-nspawn'],
  // libvirt registers its machines, too
  [/^machine-(?!qemu-|lxc-)(.+)\.scope$/, 'systemd-nspawn'],
];

/** The innermost container. */
function containerOf(path: string): Container | undefined {
  const parts = path.split('/');
  for (let at = parts.length - 1; at > 0; at--) {
    const found = containerAt(unescaped(parts[at]!), parts.slice(0, at));
    if (found) return found;
  }
  return undefined;
}

function containerAt(name: string, above: readonly string[]): Container | undefined {
  const [, engine, id] = BY_ENGINE.exec(name) ?? [];
  if (engine !== undefined && id !== undefined) return { runtime: ENGINES[engine]!, id };
  for (const [pattern, runtime] of NAMED) {
    const [, known] = pattern.exec(name) ?? [];
    if (known !== undefined) return { runtime, id: known };
  }
  const parent = above.at(-1);
  if (parent === 'lxc' || parent === 'lxc.payload') return { runtime: 'lxc', id: name };
  if (!new RegExp(`^${ID}$`).test(name)) return undefined;
  if (parent === 'docker') return { runtime: 'docker', id: name };
  return above.some((part) => part.startsWith('kubepods')) ? { runtime: 'cri', id: name } : undefined;
}

/** How each runtime may call the group of a container. */
const GROUPS: Readonly<Record<ContainerRuntime, (id: string) => string>> = {
  docker: (id) => `docker-${id}`,
  podman: (id) => `libpod-${id}`,
  containerd: (id) => `cri-containerd-${id}`,
  'cri-o': (id) => `crio-${id}`,
  cri: (id) => `kubepods/${id}`,
  lxc: (id) => `lxc.payload.${id}`,
  'systemd-nspawn': (id) => `systemd-nspawn@${id}.service`,
};

/** The reverse of `parseControlGroup`, without what that does not read. */
export function formatControlGroup({ unit, container }: ControlGroup): string {
  const ofUnit = unit === undefined ? '' : `0::/${unit}\n`;
  return container ? `${ofUnit}1:cpu:/${GROUPS[container.runtime](container.id)}\n` : ofUnit;
}
