// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { create, extract } from 'tar';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/run.ts';
import { smcDbg } from '../../src/commands/smc_dbg/command.ts';
import { JSON_PARTS, TEXT_PARTS } from '../../src/commands/smc_dbg/parts.ts';
import { SUITE } from '../../src/commands/smc_dbg/suite.ts';
import { smcRnics } from '../../src/commands/smc_rnics/command.ts';
import { smcd } from '../../src/commands/smcd/command.ts';
import { smcr } from '../../src/commands/smcr/command.ts';
import { smcss } from '../../src/commands/smcss/command.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';
import { filesBelow } from '../helpers/files-below.ts';
import { dibs, mainframe, plant, server } from '../helpers/host-trees.ts';
import { inspectedKernel } from '../helpers/inspected-kernel.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { runCommand } from '../helpers/run-command.ts';
import { validate } from '../helpers/schemas.ts';

const HOST = {
  'proc/sys/kernel/osrelease': '6.12.0-test\n',
  'proc/sys/kernel/hostname': 'machine.example.com\n',
  'proc/net/protocols': 'protocol size sockets\nSMC 1 1\n',
  'proc/cmdline': 'root=/dev/sda ip=10.9.8.7::10.9.8.1:255.255.255.0:machine:eth0\n',
};

/** Packs what the commands see of a made-up system. */
async function bundleOf(
  t: Test,
  world: { hostRoot: string; transport: FakeKernel },
  options: readonly string[] = [],
): Promise<{ file: string; directory: string }> {
  const directory = ownDirectory(t);
  const file = join(directory, 'out.tgz');
  const { status, stdout } = await runCommand(smcDbg, ['-o', file, ...options], world);
  t.strictSame([status, stdout], [0, `${file}\n`]);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.strictSame(readdirSync(directory), ['out.tgz'], 'no temporary file stays');
  const unpacked = join(directory, 'unpacked');
  mkdirSync(unpacked);
  extract({ file, cwd: unpacked, sync: true, strip: 1 });
  return { file, directory: unpacked };
}

t.test('the made-up systems look the same from their bundles', async (t) => {
  for (const [name, tree] of Object.entries({ mainframe, server }))
    await t.test(name, async (t) => {
      const world = { hostRoot: plant(t, tree, HOST), transport: inspectedKernel() };
      const { file, directory } = await bundleOf(t, world);
      const once = await runCommand(smcRnics, ['-aIr', '--from', file]);
      t.strictSame(once, await runCommand(smcRnics, '-aIr', world), 'from the archive');
      for (const [command, argv] of [
        [smcRnics, '-a'],
        [smcRnics, '-aIr'],
        [smcRnics, '-aj'],
        [smcd, '-dda linkgroup'],
        [smcr, '-dda linkgroup link-show'],
        [smcd, 'device'],
        [smcr, '-ja device'],
        [smcr, '-a stats'],
        [smcss, '-aj'],
      ] as const) {
        const there = await runCommand(command, argv, world);
        t.not(there.stdout, '');
        t.strictSame(
          await runCommand(command, `${argv} --from ${directory}`),
          there,
          `${command.name} ${argv}`,
        );
      }
      // every file is what its command shows
      for (const { file: part, commands } of [...TEXT_PARTS, ...JSON_PARTS].filter(
        ({ commands }) => commands.length === 1,
      )) {
        const [program = '', ...words] = commands[0]!.split(' ');
        const { stdout } = await runCommand(await SUITE[program]!(), [...words, '--from', directory]);
        t.equal(readFileSync(join(directory, part), 'utf8'), stdout, part);
      }
    });
});

t.test('devices.txt of a mainframe has the layout of the C suite', async (t) => {
  const hostRoot = plant(t, mainframe, HOST, {
    'sys/bus/ccwgroup/devices/0.0.bd00/chpid': 'A2\n',
    'sys/bus/ccwgroup/devices/0.0.bd00/portno': '1\n',
  });
  const { directory } = await bundleOf(t, { hostRoot, transport: inspectedKernel() });
  const text = readFileSync(join(directory, 'devices.txt'), 'utf8');
  t.match(text, `CCW Devices:\n  Device    CHPID  Port  PNET ID\n  ${'-'.repeat(43)}\n`);
  t.match(text, '  0.0.bd00  0xa2   1     \n');
  t.match(text, /\n\nPCI Devices:\n {2}FID/);
});

t.test('a kernel of the other byte order', async (t) => {
  const world = { hostRoot: plant(t, mainframe, HOST), transport: inspectedKernel({}, 'BE') };
  const { file } = await bundleOf(t, world, ['--redact']);
  const { stdout, stderr } = await runCommand(smcd, `-ja linkgroup --from ${file}`);
  t.equal(stderr, '');
  t.match(stdout, /"EID\dXX"/);
  t.match(stdout, /"feed0000/);
});

t.test('redacted', async (t) => {
  const transport = inspectedKernel();
  transport.sockets = () => [
    {
      family: 43,
      state: 1,
      mode: 0,
      shutdown: 0,
      id: {
        sourcePort: 5201,
        destinationPort: 40_000,
        source: Uint8Array.from(Buffer.from('00000000000000000000ffff0a090807', 'hex')),
        destination: Uint8Array.from(Buffer.from('fd771234000000000000000000000017', 'hex')),
        interface: 1,
        cookieLow: 1,
        cookieHigh: 0,
      },
      uid: 0,
      inode: 1n,
      attributes: {
        link: {
          linkId: 1,
          ibName: 'mlx5_0',
          ibPort: 1,
          gid: '0000:0000:0000:0000:0000:ffff:0a09:0807',
          peerGid: 'fe80:0000:0000:0000:9a03:9bff:feab:cdef',
          role: 0,
        },
        shutdown: 0,
      },
    },
  ];
  const hostRoot = plant(t, server, HOST, { 'sys/class/net/eth0/ifalias': 'uplink to Bob\n' });
  const world = { hostRoot, transport };
  const { directory, file } = await bundleOf(t, world, ['--redact']);
  const { directory: plain } = await bundleOf(t, world);
  const all = (top: string): string =>
    filesBelow(top)
      .map((path) => readFileSync(path, 'latin1'))
      .join('\n')
      .toLowerCase();
  const hex = (text: string): string => Buffer.from(text).toString('hex');
  for (const secret of [
    '10.9.8.7',
    '10.9.8.1',
    '0a090807',
    '0a09:0807',
    'fd77:1234::17',
    'fd7712340000',
    '9a03:9bff:feab:cdef',
    hex('9a03:9bff:feab:cdef'),
    'machine',
    'uplink to bob',
    'my.eid',
    hex('MY.EID'),
    '5244e083631af99e',
    '9ef91a6383e04452',
  ]) {
    t.ok(all(plain).includes(secret), `${secret} is in the bundle`);
    t.notOk(all(directory).includes(secret), `${secret} is not in the redacted one`);
  }
  const { stdout } = await runCommand(smcss, `-RW --from ${file}`);
  t.match(stdout, /::ffff:240\.1\.0\.1:5201 +2001:db8:0:1:feed:0:feed:\d:40000 /);
  t.match(stdout, 'fe80:0000:0000:0000:feed:0000:feed:');

  const again = join(ownDirectory(t), 'again.tgz');
  t.equal((await runCommand(smcDbg, ['--from', file, '--redact', '-o', again])).status, 0);
  t.equal((await runCommand(smcss, `-RW --from ${again}`)).stdout, stdout, 'twice is the same as once');
  const { parts, missing, created, ...manifest } = JSON.parse(
    readFileSync(join(directory, 'manifest.json'), 'utf8'),
  );
  t.match(created, /^\d{4}-\d\d-\d\dT/);
  t.strictSame(manifest, {
    format: 'smc-tools-bundle',
    version: 1,
    suite_version: manifest.suite_version,
    redacted: true,
    kernel: '6.12.0-test',
    architecture: 'x86_64',
    byte_order: 'LE',
    root: process.geteuid?.() === 0,
  });
  t.strictSame(missing, [{ what: 'kernel log', reason: 'ENOENT' }]);
  t.ok(parts.length > 30);
});

t.test('a name too short to be looked for in texts is redacted where it is the whole text', async (t) => {
  const hostRoot = plant(t, { ...HOST, 'proc/sys/kernel/hostname': 'vm\n' });
  const { directory } = await bundleOf(t, { hostRoot, transport: inspectedKernel() }, ['--redact']);
  const text = readFileSync(join(directory, 'host/proc/sys/kernel/hostname'), 'latin1').trim();
  t.not(text, 'vm');
  t.not(text, '');
});

t.test('everything on standard output', async (t) => {
  const world = { hostRoot: plant(t, server, HOST), transport: inspectedKernel() };
  const text = await runCommand(smcDbg, '', world);
  t.equal(text.status, 0);
  t.match(text.stdout, /^\nsmcss utility, smc-tools-/);
  t.match(text.stdout, '\n\nPCI Devices:\n');
  t.match(text.stdout, '\n\nKernel Capabilities\n');
  t.match(text.stderr, 'smc_dbg: not collected: kernel log (ENOENT)\n');
  for (const [terminal, lines] of [
    [false, 1],
    [true, 2],
  ] as const) {
    const { status, stdout } = await runCommand(smcDbg, '-j', { ...world, terminal });
    t.equal(status, 0);
    t.ok(terminal ? stdout.split('\n').length > 100 : stdout.split('\n').length === lines + 1);
    const document = JSON.parse(stdout);
    t.strictSame(validate('smc_dbg', document), []);
    t.strictSame(Object.keys(document), ['archive', 'manifest', 'documents']);
    t.equal(document.archive, null);
    t.ok(Object.values(document.documents['smcd-linkgroup']).length > 0);
  }
});

t.test('the name of the archive', async (t) => {
  const world = { hostRoot: plant(t, HOST), transport: new FakeKernel() };
  const directory = ownDirectory(t);
  const before = process.cwd();
  process.chdir(directory);
  t.teardown(() => process.chdir(before));
  const { stdout } = await runCommand(smcDbg, '-t', world);
  t.match(stdout, /^smc_dbg-[0-9a-f]{16}\.tgz\n$/);
  t.strictSame(readdirSync(directory), [stdout.trim()]);
  const other = await runCommand(smcDbg, '-t -j', world);
  t.equal(JSON.parse(other.stdout).documents, null);
  t.ok(existsSync(JSON.parse(other.stdout).archive));

  writeFileSync('old.tgz', 'old');
  await runCommand(smcDbg, '-o old.tgz', world);
  t.not(readFileSync('old.tgz', 'latin1'), 'old', 'a file that is named is replaced');
  mkdirSync('directory');
  execFileSync('mkfifo', ['fifo']);
  for (const [argv, message] of [
    ['-o directory', "--output 'directory': is a directory, not a file"],
    ['-o fifo', "--output 'fifo': is a device, pipe or socket, not a file"],
    ['-o -', "--output '-': must be a file name"],
    ['-t more', "unexpected argument 'more'"],
  ] as const)
    t.strictSame(await runCommand(smcDbg, argv, world), {
      status: 1,
      stdout: '',
      stderr: `smc_dbg: ${message}; smc_dbg --help shows the usage\n`,
    });
  t.strictSame(await runCommand(smcDbg, '-o no/such/directory/x.tgz', world), {
    status: 1,
    stdout: '',
    stderr: 'smc_dbg: no/such/directory/x.tgz: no such file or directory\n',
  });
});

t.test('what is no bundle', async (t) => {
  const directory = ownDirectory(t);
  const archive = (name: string, files: Record<string, string>): string => {
    const content = join(directory, createHash('md5').update(name).digest('hex'));
    mkdirSync(join(content, 'b'), { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(content, 'b', file), text);
    create({ file: join(directory, name), cwd: content, gzip: true, sync: true }, ['b']);
    return join(directory, name);
  };
  const manifest = { format: 'smc-tools-bundle', version: 1 };
  for (const [file, message] of [
    [
      archive('other.tgz', { 'manifest.json': '{}' }),
      ' is not a bundle made by smc_dbg; smc_dbg --tgz creates one',
    ],
    [
      archive('null.tgz', { 'manifest.json': 'null' }),
      ' is not a bundle made by smc_dbg; smc_dbg --tgz creates one',
    ],
    [
      archive('new.tgz', { 'manifest.json': JSON.stringify({ ...manifest, version: 2 }) }),
      ' has a format that this version does not know; use the version of smc-tools that made it, or a newer one',
    ],
    [
      archive('half.tgz', { 'manifest.json': JSON.stringify(manifest) }),
      ' cannot be used: netlink.jsonl is missing or damaged',
    ],
    [
      archive('bad.tgz', { 'manifest.json': JSON.stringify(manifest), 'netlink.jsonl': '{}' }),
      ' cannot be used: netlink.jsonl is missing or damaged',
    ],
  ] as const)
    t.strictSame(await runCommand(smcss, ['--from', file]), {
      status: 1,
      stdout: '',
      stderr: `smcss: ${file}${message}\n`,
    });

  const header = { format: 'smc-tools-recording', version: 1, order: 'LE', kernel: '6.12' };
  const empty = archive('empty.tgz', {
    'manifest.json': JSON.stringify(manifest),
    'netlink.jsonl': `${JSON.stringify(header)}\n`,
  });
  t.strictSame(await runCommand(smcd, ['info', '--from', empty]), {
    status: 255,
    stdout: '',
    stderr:
      "smcd: the bundle does not contain the kernel's answer to SMC_GEN_NETLINK GETFAMILY; its manifest.json lists what could not be collected\n",
  });
});

t.test('a bundle that lies about where its files are', async (t) => {
  const directory = ownDirectory(t);
  const content = join(directory, 'content');
  mkdirSync(join(content, 'b/host/sys/class/net'), { recursive: true });
  writeFileSync(join(content, 'b/manifest.json'), JSON.stringify({ format: 'smc-tools-bundle', version: 1 }));
  const { symlinkSync, linkSync } = await import('node:fs');
  symlinkSync('/etc', join(content, 'b/host/proc'));
  symlinkSync('../../../../../..', join(content, 'b/host/sys/class/net/eth0'));
  symlinkSync('../net', join(content, 'b/host/sys/class/net/inside'));
  linkSync(join(content, 'b/manifest.json'), join(content, 'b/hard'));
  const file = join(directory, 'x.tgz');
  create({ file, cwd: content, gzip: true, sync: true }, ['b']);
  const { unpack } = await import('../../src/recording/archive.ts');
  const { directory: unpacked, remove } = await unpack(file);
  t.teardown(remove);
  t.strictSame(readdirSync(join(unpacked, 'b/host')), ['sys']);
  t.strictSame(readdirSync(join(unpacked, 'b/host/sys/class/net')), ['inside']);
  t.equal(statSync(unpacked).mode & 0o777, 0o700);
});

t.test('a kernel that a listing can crash', async (t) => {
  const collected = async (osrelease: string): Promise<string> => {
    const hostRoot = plant(t, server, HOST, { 'proc/sys/kernel/osrelease': `${osrelease}\n` });
    const file = join(ownDirectory(t), 'out.tgz');
    const { stderr } = await runCommand(smcDbg, ['-o', file], { hostRoot, transport: inspectedKernel() });
    const again = await runCommand(smcDbg, ['-o', file, '--from', file], {});
    t.notMatch(again.stderr, 'dangerous', 'a bundle is no kernel');
    return stderr;
  };
  const said = await collected('6.1.60');
  t.equal(said.match(/querying this kernel is dangerous/g)?.length, 1, 'once, whatever it runs');
  t.match(said, /^smc_dbg: judging by its version \(6\.1\.60\), /);
  t.notMatch(await collected('6.1.192'), 'dangerous');
});

t.test('names of PCI devices come from the bundle', async (t) => {
  const ids = '15b3  Vendor of the test\n\t1017  Device of the test\nffff  Another vendor\n';
  const world = {
    hostRoot: plant(t, server, HOST, { 'usr/share/misc/pci.ids': ids }),
    transport: inspectedKernel(),
  };
  const { directory } = await bundleOf(t, world);
  t.equal(
    readFileSync(join(directory, 'host/usr/share/misc/pci.ids'), 'utf8'),
    ids.replace('ffff  Another vendor\n', ''),
    'those of this host',
  );
  const { stdout } = await runCommand(smcRnics, `-aI --from ${directory}`);
  t.match(stdout, 'Device of the test');
  t.equal(stdout, (await runCommand(smcRnics, '-aI', world)).stdout);
});

t.test('SMC-D devices of Linux 6.18', async (t) => {
  const world = { hostRoot: plant(t, mainframe, HOST, dibs), transport: inspectedKernel() };
  const there = await runCommand(smcRnics, '-aj', world);
  t.match(there.stdout, /"dibs_name":"ism1a"/);
  const { file } = await bundleOf(t, world);
  t.strictSame(await runCommand(smcRnics, `-aj --from ${file}`), there);
  const { file: redacted } = await bundleOf(t, world, ['--redact']);
  const { stdout } = await runCommand(smcRnics, `-aj --from ${redacted}`);
  t.match(stdout, /"dibs_name":"ism1a","gid":"feed[0-9a-f]{12}","ext_gid":null,"fabric_id":"07c1"/);
  t.match(stdout, /"dibs_name":"lo","gid":"feed[0-9a-f]{12}","ext_gid":"feed[0-9a-f]{12}"/);
});

t.test('notes and progress have its own name', async (t) => {
  const hostRoot = plant(t, server, HOST);
  const transport = new FakeKernel();
  const { stderr } = await runCommand(smcDbg, '', { hostRoot, transport });
  t.match(stderr, /^smc_dbg: smcr -d device: the kernel module smc is not loaded; /m);
  for (const line of stderr.trimEnd().split('\n')) t.match(line, /^smc_dbg: (?!smc_dbg)/);

  // every look at the clock is three seconds later
  let now = 0;
  t.intercept(Date, 'now', { value: () => (now += 3000) });
  for (const errorIsTerminal of [true, false]) {
    let said = '';
    const io: Io = {
      write() {},
      flush() {},
      error: (line) => {
        said += `${line}\n`;
      },
      isTerminal: false,
      errorIsTerminal,
      env: {},
    };
    t.equal(await run(smcDbg, [], { io, hostRoot, transport: inspectedKernel() }), 0);
    const isProgress =
      /^smc_dbg: copying files: \/.*^smc_dbg: asking the system: smcss -a -j \(1 of (\d+)\)\n.*^smc_dbg: asking the system: smcss -a -j \(1 of \1\), \d+\.\d MB so far\n.*writing the results: /ms;
    t.equal(isProgress.test(said), errorIsTerminal, `stderr ${errorIsTerminal ? 'is' : 'is not'} a terminal`);
  }
});
