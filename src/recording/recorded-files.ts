// SPDX-License-Identifier: MIT
/**
 * A list of the files below /proc, /sys and elsewhere that the suite reads, and a function that copies them, so that a
 * copy can be read in place of the system. If you read a new file, add it here.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** The lines to keep of a file that is long and mostly about other things. */
interface Pattern {
  /** path with `*` for parts of names and `{a,b}` for choices; symbolic links on the path are copied as links */
  path: string;
  lines?: RegExp;
  /** not if this is all the file says: most slots of a table of a thousand are empty */
  empty?: RegExp;
  /** not if this path exists, because the kernel then gives the same facts in another way */
  unless?: string;
}

/** Modules of SMC, and those that it depends on. */
const MODULES =
  '{smc,smc_diag,dibs,ism,ib_core,ib_uverbs,rdma_cm,rdma_rxe,mlx4_core,mlx4_ib,mlx5_core,mlx5_ib}';
const MODULE_LINES = /smc|dibs|ism|rdma|rxe|ib_|mlx|infiniband/;

const PATTERNS: readonly Pattern[] = [
  // kernel
  { path: 'proc/{version,version_signature}' },
  { path: 'proc/cmdline' },
  { path: 'proc/modules', lines: MODULE_LINES },
  { path: 'proc/sys/kernel/{arch,osrelease,ostype,version,hostname,tainted}' },
  { path: 'proc/sys/kernel/random/boot_id' },
  { path: 'etc/os-release' },
  { path: 'usr/lib/os-release' },
  { path: 'lib/modules/RELEASE/modules.{builtin,dep}', lines: MODULE_LINES },
  { path: `sys/module/${MODULES}/{srcversion,version,taint,initstate,refcnt}` },
  { path: `sys/module/${MODULES}/parameters/*` },
  { path: '{etc,run,usr/local/lib,usr/lib,lib}/modprobe.d/*.conf' },
  // memory and limits
  { path: 'proc/{meminfo,buddyinfo}' },
  { path: 'proc/self/smaps', lines: /^KernelPageSize:/ },
  { path: 'proc/self/{status,limits}' },
  // settings
  { path: 'proc/sys/net/smc/*' },
  {
    path: 'proc/sys/net/core/{rmem_default,rmem_max,wmem_default,wmem_max,somaxconn,netdev_max_backlog,optmem_max}',
  },
  { path: 'proc/sys/net/ipv4/{tcp_rmem,tcp_wmem}' },
  // namespaces and sockets
  { path: 'proc/{self,1}/ns/net' },
  { path: 'proc/net/protocols' },
  { path: 'proc/net/{tcp,tcp6}', unless: 'sys/module/tcp_diag' },
  { path: 'proc/net/vlan/*' },
  // tracepoints
  { path: 'sys/kernel/tracing/events/smc/*/format' },
  // network interfaces
  { path: 'sys/class/net/bonding_masters' },
  {
    path: 'sys/class/net/*/{ifindex,iflink,mtu,operstate,carrier,speed,duplex,flags,type,address,addr_len,broadcast,dev_port,dev_id,ifalias,uevent,tun_flags,phys_port_name}',
  },
  { path: 'sys/class/net/*/{upper_,lower_}*' },
  { path: 'sys/class/net/*/bonding/{slaves,mode,active_slave}' },
  { path: 'sys/class/net/*/bridge/bridge_id' },
  { path: 'sys/class/net/*/device/{chpid,portno,if_name,card_type,state,layer2,online}' },
  { path: 'sys/class/net/*/device/{driver,subsystem}' },
  // RDMA devices
  { path: 'sys/class/infiniband/*/{node_type,fw_ver,node_guid,sys_image_guid,hca_type,board_id,parent}' },
  { path: 'sys/class/infiniband/*/device/{driver,subsystem,numa_node}' },
  { path: 'sys/class/infiniband/*/device/net/*' },
  { path: 'sys/class/infiniband/*/ports/*/{state,phys_state,rate,link_layer,lid}' },
  { path: 'sys/class/infiniband/*/ports/*/gids/*', empty: /^[0:]*$/ },
  { path: 'sys/class/infiniband/*/ports/*/gid_attrs/{types,ndevs}/*' },
  // PCI
  {
    path: 'sys/bus/pci/devices/*/{vendor,device,class,subsystem_vendor,subsystem_device,numa_node,driver,physfn,function_id,pchid,pfgid,pft,vfn,port,uid,util_string}',
  },
  { path: 'sys/bus/pci/devices/*/{net,infiniband}/*' },
  { path: 'sys/bus/pci/slots/*/power' },
  // SMC-D devices, since Linux 6.18
  { path: 'sys/class/dibs/*/{gid,fabric_id,device}' },
  // channel subsystem of s390x
  {
    path: 'sys/bus/ccwgroup/devices/*/{chpid,portno,if_name,card_type,state,layer2,online,driver,subsystem}',
  },
  { path: 'sys/devices/css0/chp0.*/{util_string,chid,type,status}' },
];

/** A file that exists but could not be copied. */
export interface Uncopied {
  /** absolute, as on the system */
  path: string;
  /** errno name */
  reason: string;
}

/** Errors from reading a file that has no value at the moment: an empty slot, the speed of a link that is down. */
const NO_VALUE: readonly string[] = [
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'EINVAL',
  'EOPNOTSUPP',
  'ENOTSUP',
  'ENODEV',
  'ENXIO',
];

/** No file that the suite reads is larger than this. Larger files are cut off. */
const SIZE_LIMIT = 4 << 20;

/**
 * Copies what the suite reads.
 * @param release of the kernel, for the directory of its modules
 * @param stop ends the work early
 * @param onFile is told the absolute path of each file before it is copied
 */
export function copyHostFiles(
  from: string,
  to: string,
  {
    release,
    stop,
    onFile,
  }: { release: string | undefined; stop?: AbortSignal; onFile?: (path: string) => void },
): Uncopied[] {
  const failed: Uncopied[] = [];
  const copier = new Copier(from, to);
  for (const { path, unless, ...contents } of PATTERNS) {
    if (unless !== undefined && existsSync(join(from, unless))) continue;
    for (const alternative of alternatives(path.replace('RELEASE', release ?? 'unknown')))
      for (const file of expand(from, '', alternative.split('/'))) {
        if (stop?.aborted) return failed;
        onFile?.(`/${file}`);
        const reason = copier.copy(file, contents);
        if (reason) failed.push({ path: `/${file}`, reason });
      }
  }
  return failed;
}

/** Expands `a{b,c}` to `ab` and `ac`, anywhere in the path. */
function alternatives(path: string): string[] {
  const [, before, choices, after] = /^(.*?)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  if (choices === undefined) return [path];
  return choices.split(',').flatMap((choice) => alternatives(`${before}${choice}${after}`));
}

/** Paths that match. Directories are read only for names with a `*`. */
function expand(root: string, base: string, [name, ...rest]: readonly string[]): string[] {
  if (name === undefined) return [base];
  const at = (entry: string): string[] => expand(root, base ? `${base}/${entry}` : entry, rest);
  if (!name.includes('*')) return at(name);
  const [start = '', end = ''] = name.split('*');
  try {
    return readdirSync(join(root, base))
      .filter((entry) => entry.startsWith(start) && entry.endsWith(end))
      .sort()
      .flatMap(at);
  } catch {
    return []; // no such directory on this host
  }
}

/** Most files are in a few directories, so what has been found on a path and made for it is remembered. */
class Copier {
  readonly #from: string;
  readonly #to: string;
  /** directories that have been made, below `to` */
  readonly #made = new Set<string>();
  /** targets of links by path, `null` for what is no link */
  readonly #targets = new Map<string, string | null>();

  constructor(from: string, to: string) {
    this.#from = from;
    this.#to = to;
  }

  /** @returns errno name when the file exists but cannot be copied */
  copy(path: string, { lines, empty }: Pick<Pattern, 'lines' | 'empty'>): string | undefined {
    try {
      const real = this.#copyLinks(path);
      if (real === undefined) return undefined;
      const stats = lstatSync(join(this.#from, real));
      if (stats.isDirectory()) {
        this.#makeDirectory(real);
        return undefined;
      }
      if (!stats.isFile()) return undefined;
      const data = readFileSync(join(this.#from, real)).subarray(0, SIZE_LIMIT);
      if (empty?.test(data.toString('latin1').trim())) return undefined;
      this.#makeDirectory(dirname(real));
      writeFileSync(join(this.#to, real), lines ? matching(data, lines) : data, { mode: 0o600 });
      return undefined;
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      return NO_VALUE.includes(code) ? undefined : code;
    }
  }

  /**
   * Copies the symbolic links on a path, the last part included.
   * @returns the path without links; `undefined` when it ends in a broken link or leaves the tree
   */
  #copyLinks(path: string): string | undefined {
    let done = '';
    let rest = path.split('/');
    for (let links = 0; rest.length > 0 && links < MAX_LINKS; ) {
      const [name = '', ...after] = rest;
      const here = done ? `${done}/${name}` : name;
      const target = this.#targetOf(here);
      if (target === undefined) return undefined;
      rest = after;
      if (target === null) {
        done = here;
        continue;
      }
      links++;
      if (target.startsWith('/')) return undefined;
      const resolved = normalize(join(done, target));
      if (resolved.startsWith('..')) return undefined;
      done = '';
      rest = [...resolved.split('/'), ...after];
    }
    return rest.length === 0 ? done : undefined;
  }

  /** @returns where a link leads, `null` if it is none, `undefined` if nothing is there */
  #targetOf(path: string): string | null | undefined {
    const known = this.#targets.get(path);
    if (known !== undefined) return known;
    const stats = lstatSync(join(this.#from, path), { throwIfNoEntry: false });
    if (!stats) return undefined;
    const target = stats.isSymbolicLink() ? readlinkSync(join(this.#from, path)) : null;
    if (target !== null && !target.startsWith('/')) this.#link(path, target);
    this.#targets.set(path, target);
    return target;
  }

  #link(path: string, target: string): void {
    this.#makeDirectory(dirname(path));
    try {
      symlinkSync(target, join(this.#to, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }

  #makeDirectory(path: string): void {
    if (this.#made.has(path)) return;
    mkdirSync(join(this.#to, path), { recursive: true });
    for (let above = path; !this.#made.has(above) && above !== '.'; above = dirname(above))
      this.#made.add(above);
  }
}

/** More links than any path of /sys has; protects against links that lead in circles. */
const MAX_LINKS = 40;

function matching(data: Buffer, lines: RegExp): string {
  const wanted = data
    .toString('latin1')
    .split('\n')
    .filter((line) => lines.test(line));
  return wanted.map((line) => `${line}\n`).join('');
}
