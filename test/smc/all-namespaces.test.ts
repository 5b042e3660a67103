// SPDX-License-Identifier: MIT
// The sockets of all network namespaces: which there are, and the way from one to the next and back.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type NetworkNamespace, networkNamespaces } from '../../src/host/network-namespaces.ts';
import { type NotEntered, namespaceLabel, socketsOfAll } from '../../src/smc/all-namespaces.ts';
import type { SeenSocket } from '../../src/smc/seen-socket.ts';

const ID = '4f0c2d1a9b3c4f0c2d1a9b3c4f0c2d1a9b3c4f0c2d1a9b3c4f0c2d1a9b3c0123';

/** A host with files in place of namespaces: processes that share one have links to one file. */
function host(
  t: Test,
  { named = {}, processes }: { named?: Record<string, string>; processes: Record<string, [string, string?]> },
): string {
  const root = t.testdir({ namespaces: {}, proc: { net: {} }, run: { netns: {} } });
  const link = (path: string, namespace: string): void => {
    const file = join(root, 'namespaces', namespace);
    writeFileSync(file, '');
    mkdirSync(join(root, path, '..'), { recursive: true });
    symlinkSync(file, join(root, path));
  };
  for (const [name, namespace] of Object.entries(named)) link(`run/netns/${name}`, namespace);
  for (const [pid, [namespace, cgroup]] of Object.entries(processes)) {
    link(`proc/${pid}/ns/net`, namespace);
    if (cgroup !== undefined) writeFileSync(join(root, `proc/${pid}/cgroup`), `0::${cgroup}\n`);
  }
  return root;
}

t.test('the namespaces of a host', async (t) => {
  const docker = `/system.slice/docker-${ID}.scope`;
  const root = host(t, {
    named: { red: 'red', blue: 'blue', crimson: 'red', gone: 'gone' },
    processes: {
      self: ['host'],
      1: ['host', '/init.scope'],
      20: ['red', docker],
      100: ['web', docker],
      9: ['web', '/init.scope'],
      30: ['private'],
      31: ['private'],
    },
  });
  // on another file system, as what is left of a namespace
  symlinkSync('/proc/version', join(root, 'run/netns/leftover'));
  mkdirSync(join(root, 'proc/77/ns'), { recursive: true });
  const { namespaces, unreadable } = networkNamespaces(root);
  t.equal(unreadable, 0);
  t.strictSame(
    namespaces.map(({ file, name }) => [file.slice(root.length), name]),
    [
      ['/proc/self/ns/net', undefined],
      ['/run/netns/blue', 'blue'],
      ['/run/netns/crimson', 'crimson'],
      ['/run/netns/gone', 'gone'],
      ['/proc/9/ns/net', undefined],
      ['/proc/30/ns/net', undefined],
    ],
  );
  t.equal(new Set(namespaces.map(({ inode }) => inode)).size, namespaces.length);
});

t.test('names of namespaces', async (t) => {
  const root = host(t, {
    named: { here: 'host' },
    processes: { self: ['host'], 5: ['web', `/docker/${ID}`], 6: ['private'] },
  });
  const [own, web, other] = networkNamespaces(root).namespaces as [
    NetworkNamespace,
    NetworkNamespace,
    NetworkNamespace,
  ];
  t.equal(namespaceLabel(own), 'here', 'our own can have a name');
  t.equal(namespaceLabel(web), `docker/${ID}`);
  t.equal(namespaceLabel(other), String(other.inode));
});

const namespace = (inode: number, file: string): NetworkNamespace => ({
  inode,
  file,
  name: undefined,
  container: undefined,
});

/** Where a list of sockets was opened, and the ways between. */
async function walk(
  files: readonly string[],
  {
    refuses = {},
    stopAfter = Number.POSITIVE_INFINITY,
  }: { refuses?: Record<string, string>; stopAfter?: number } = {},
): Promise<{
  rows: [string, number][];
  ways: string[];
  left: NotEntered[];
  interrupted: boolean | undefined;
}> {
  const ways: string[] = [];
  const left: NotEntered[] = [];
  const rows: [string, number][] = [];
  let here = 'home';
  let interrupted: boolean | undefined;
  const namespaces = [namespace(0, '/dev/null'), ...files.map((file, at) => namespace(at + 1, file))];
  const sockets = socketsOfAll(
    namespaces,
    async function* () {
      for (const port of [1, 2]) yield [{ local: { address: here, port } } as SeenSocket];
      return { interrupted: here === 'changing' };
    },
    (file) => {
      const code = refuses[file];
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      ways.push(file.replace(/\d+$/, 'N'));
      here = file;
    },
    (failure) => left.push(failure),
  );
  for (;;) {
    const next = await sockets.next();
    if (next.done) {
      interrupted = next.value.interrupted;
      break;
    }
    for (const { local, netns } of next.value) rows.push([local.address!, netns!.inode]);
    if (rows.length === stopAfter) {
      await sockets.return({ interrupted: false });
      break;
    }
  }
  return { rows, ways, left, interrupted };
}

t.test('from one namespace to the next, and back', async (t) => {
  t.match(await walk([]), {
    rows: [
      ['home', 0],
      ['home', 0],
    ],
    ways: [],
    left: [],
    interrupted: false,
  });
  const { rows, ways, interrupted } = await walk(['a', 'b']);
  t.strictSame(rows, [
    ['home', 0],
    ['home', 0],
    ['a', 1],
    ['a', 1],
    ['b', 2],
    ['b', 2],
  ]);
  t.strictSame(ways, ['a', 'b', '/proc/self/fd/N']);
  t.equal(interrupted, false);
  t.equal((await walk(['changing', 'b'])).interrupted, true);
  t.strictSame(
    (await walk(['a', 'b'], { stopAfter: 3 })).ways,
    ['a', '/proc/self/fd/N'],
    'back if nobody reads on',
  );
  t.strictSame((await walk(['a', 'b'], { stopAfter: 1 })).ways, []);
});

t.test('namespaces that cannot be entered are left out', async (t) => {
  const { rows, ways, left } = await walk(['a', 'b', 'c'], { refuses: { a: 'EPERM', c: 'ENOENT' } });
  t.strictSame([...new Set(rows.map(([where]) => where))], ['home', 'b']);
  t.strictSame(ways, ['b', '/proc/self/fd/N']);
  t.strictSame(
    left.map(({ namespace: { inode }, reason }) => [inode, reason]),
    [
      [1, 'EPERM'],
      [3, 'ENOENT'],
    ],
  );
});
