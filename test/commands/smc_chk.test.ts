// SPDX-License-Identifier: MIT
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { smcChk } from '../../src/commands/smc_chk/command.ts';
import { fallbackReasons, formatReasonCode } from '../../src/smc/fallback-reasons.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';
import { inspectedKernel, SMCD_GROUP } from '../helpers/inspected-kernel.ts';
import { type Outcome, runCommand } from '../helpers/run-command.ts';

const chk = (argv: string | readonly string[], options = {}): Promise<Outcome> =>
  runCommand(smcChk, argv, { transport: new FakeKernel(), ...options });

t.test('usage errors are status 2 and one line', async (t) => {
  for (const [argv, text] of [
    ['-C a -S', '--connect and --server exclude each other'],
    ['-S -i eth0', '--server and --pnetid exclude each other'],
    ['-l --explain MEM', '--live-test and --explain exclude each other'],
    ['-C host extra', "unexpected argument 'extra'"],
    ['-C host:0', "the port of 'host:0' must be a number from 1 to 65535"],
    ['-C host:65536', "the port of 'host:65536' must be a number from 1 to 65535"],
    ['-C host:http', "the port of 'host:http' must be a number from 1 to 65535"],
    ['-C host:80 -p 81', "--port 81 and the port of 'host:80' exclude each other"],
    ['-C [::1]:80 -p 80', "--port 80 and the port of '[::1]:80' exclude each other"],
    ['-C [10.0.0.1]', "'[10.0.0.1]' is not a host to connect to: '10.0.0.1' is not an IPv6 address"],
    ['-C a:b:c', "'a:b:c' is not a host to connect to: 'a:b:c' is not an IPv6 address"],
    ['-C [::1', "'[::1' is not a host to connect to: '[::1' is not an IPv6 address"],
    ['-C :80', "':80' is not a host to connect to"],
    ['-C http://host/', "'http://host/' is not a host to connect to"],
    ['-C host --timeout 0', "--timeout '0': must be a number of seconds above 0, up to 3600"],
    ['-C host --timeout soon', "--timeout 'soon': must be a number of seconds above 0, up to 3600"],
    ['-S -p -1', "--port '-1': must be a number from 1 to 65535"],
    ['-S --timeout 3', '--timeout requires --connect or --live-test'],
    ['-i eth0 -p 80', '--port requires --connect, --server or --live-test'],
    ['-s -p 80', '--port requires --connect, --server or --live-test'],
    ['-p 80', '--port requires --connect, --server or --live-test'],
    ['--explain all --timeout 3', '--timeout requires --connect or --live-test'],
    [
      '--explain nonsense',
      "'nonsense' is neither a hexadecimal reason code nor the name of one; --explain all lists them",
    ],
    ['--explain 1/2/3', "'1/2/3' contains more than two codes"],
    ['--s', "option '--s' is ambiguous: --server, --static-analysis"],
  ] as const)
    t.strictSame(
      await chk(argv),
      { status: 2, stdout: '', stderr: `smc_chk: ${text}; smc_chk --help shows the usage\n` },
      argv,
    );
  const empty = await chk(['-C', '']);
  t.match(empty, { status: 2, stderr: /^smc_chk: --connect '': must not be empty; / });
});

t.test('--explain', async (t) => {
  const nouid = await chk('--explain 0x03030008');
  t.strictSame([nouid.status, nouid.stderr], [0, '']);
  t.match(
    nouid.stdout,
    /^Code: {5}0x03030008\nName: {5}NOUEID\nMeaning: {2}the client offered no enterprise ID\nSide: {5}the server detects it/,
  );
  t.match(nouid.stdout, /^Cause: {4}the client has neither a UEID nor an enabled SEID$/m);
  t.match(nouid.stdout, /^Fix: {6}on the client: smcd ueid add NAME, with a NAME that the server also has$/m);
  for (const spelling of ['03030008', '0X03030008', '3030008', 'NOUEID', 'noueid', 'SMC_CLC_DECL_NOUEID'])
    t.equal((await chk(['--explain', spelling])).stdout, nouid.stdout, spelling);
  t.equal((await chk('--explain peer_no_smc')).stdout, (await chk('--explain 0x03010000')).stdout, 'label');

  const both = await chk('--explain 0x05000000/0x03030008');
  t.match(both.stdout, /^Code: {5}0x05000000\n/);
  t.ok(both.stdout.includes(`\n\n${nouid.stdout}\nTogether: `));

  const unknown = await chk('--explain 12345678');
  t.equal(unknown.status, 0);
  t.match(unknown.stdout, /^Code: {5}0x12345678\nMeaning: {2}not a code that Linux uses/);

  const all = await chk('--explain all');
  const lines = all.stdout.trimEnd().split('\n');
  t.equal(lines.length, fallbackReasons.size);
  for (const { code, name, meaning } of fallbackReasons.values())
    t.ok(
      lines.some((line) => line.startsWith(`${formatReasonCode(code)}  ${name} `) && line.endsWith(meaning)),
      name,
    );

  const terminal = await chk('--explain ALL', { terminal: true, env: { TERM: 'xterm' } });
  t.match(terminal.stdout, /^┌─/);
  const document = JSON.parse((await chk('--explain all -j')).stdout) as {
    reasons: Record<string, unknown>[];
  };
  t.equal(document.reasons.length, fallbackReasons.size);
  for (const reason of document.reasons) {
    t.strictSame(Object.keys(reason), ['code', 'name', 'meaning', 'side', 'causes', 'fixes']);
    t.ok((reason['causes'] as string[]).length > 0 && (reason['fixes'] as string[]).length > 0);
  }
  t.strictSame(JSON.parse((await chk('--explain ffffffff -j')).stdout), {
    reasons: [{ code: '0xffffffff', name: null, meaning: null, side: null, causes: [], fixes: [] }],
  });
});

t.test('sentences of the table', async (t) => {
  for (const { name, causes, fixes, meaning, remedy } of fallbackReasons.values())
    for (const text of [meaning, remedy, ...causes, ...fixes])
      t.match(text, /^[^\n]*[^.\s]$/, `${name}: one line without a full stop`);
});

/** A tree in which this process is the one with the preload library, and the environment that says so. */
function preloaded(t: Test, protocols = 'SMC 1 0 -1 NI 0 yes smc\n'): { hostRoot: string; env: object } {
  const hostRoot = t.testdir();
  mkdirSync(join(hostRoot, 'proc/self'), { recursive: true });
  mkdirSync(join(hostRoot, 'proc/net'), { recursive: true });
  writeFileSync(join(hostRoot, 'proc/self/maps'), '0-1 r-xp 0 0:0 0 /usr/lib/libsmc-preload.so\n');
  writeFileSync(join(hostRoot, 'proc/net/protocols'), `protocol size sockets\n${protocols}`);
  return { hostRoot, env: { SMC_CHK_PRELOADED: '1' } };
}

async function listener(t: Test): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as { port: number }).port;
}

t.test('a connection that cannot be made', async (t) => {
  const world = preloaded(t);
  const refused = await chk(`-C 127.0.0.1:1`, world);
  t.strictSame(refused, {
    status: 1,
    stdout: '',
    stderr:
      'smc_chk: 127.0.0.1:1: connection refused; nothing listens on that port: start the service there, or smc_chk -S\n',
  });
  const json = await chk(`-j -C 127.0.0.1 -p 1`, world);
  t.equal(json.status, 1);
  t.strictSame(JSON.parse(json.stdout), {
    target: { host: '127.0.0.1', port: 1 },
    addresses: [{ address: '127.0.0.1', error: 'connection refused' }],
    connection: null,
    error: {
      text: '127.0.0.1:1: connection refused',
      hint: 'nothing listens on that port: start the service there, or smc_chk -S',
    },
  });
});

t.test('the preload library must have been loaded', async (t) => {
  const hostRoot = t.testdir({ proc: { self: { maps: 'nothing\n' } } });
  t.match(await chk('-C 127.0.0.1', { hostRoot, env: { SMC_CHK_PRELOADED: '1' } }), {
    status: 1,
    stderr: /^smc_chk: the preload library was not loaded; /,
  });
});

/** A kernel in which every socket of this process is an SMC socket of one kind. */
function kernelWhere(socket: { mode: number; attributes: object }): FakeKernel {
  const kernel = inspectedKernel();
  const address = (last: number): Uint8Array => Uint8Array.from([127, 0, 0, last, ...new Array(12).fill(0)]);
  kernel.sockets = () =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      let name = '';
      try {
        name = readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return []; // the directory itself
      }
      const [, inode] = /^socket:\[(\d+)\]$/.exec(name) ?? [];
      if (!inode) return [];
      const id = {
        sourcePort: 1,
        destinationPort: 2,
        source: address(1),
        destination: address(1),
        interface: 0,
        cookieLow: Number(inode),
        cookieHigh: 0,
      };
      return [{ family: 43, state: 1, shutdown: 0, uid: 0, inode: BigInt(inode), id, ...socket }];
    });
  return kernel;
}

const DMB = {
  linkId: SMCD_GROUP.id,
  peerGid: SMCD_GROUP.peerGid,
  myGid: SMCD_GROUP.gid,
  token: 1n,
  peerToken: 2n,
  peerGidExt: 0n,
  myGidExt: 0n,
};

t.test('a connection over SMC-D', async (t) => {
  const port = await listener(t);
  const transport = kernelWhere({ mode: 2, attributes: { dmb: DMB } });
  const { hostRoot, env } = preloaded(t);
  t.strictSame(await chk(`-C 127.0.0.1:${port}`, { transport, hostRoot, env }), {
    status: 0,
    stdout: `Test with target IP 127.0.0.1 and port ${port}
  Live test (SMC-D and SMC-R)
     Success, using SMC-D
          Version: 2.1
          GID: 5244e083631af99e
          Peer GID: 5244e083631af99f
          Link group: 00000100
          EID: MY.EID
          PNET ID: ABCDEFGHIJKLMNOP
          Peer host: peer

`,
    stderr: '',
  });
  const { stdout, status } = await chk(`-d -j -C 127.0.0.1 -p ${port}`, { transport, hostRoot, env });
  t.equal(status, 0);
  t.match(JSON.parse(stdout), {
    target: { host: '127.0.0.1', port },
    addresses: [{ address: '127.0.0.1', error: null }],
    connection: {
      role: 'CLNT',
      peer: { address: '127.0.0.1', port },
      mode: 'SMCD',
      version: 2,
      release: 1,
      ib_device: null,
      link_group_id: '00000100',
      eid: 'MY.EID',
      reason: null,
      declined_by: null,
      likely_cause: null,
      checks: [],
    },
    error: null,
  });
});

t.test('a connection that fell back', async (t) => {
  const port = await listener(t);
  const { hostRoot, env } = preloaded(t);
  const fallback = { reason: 0x05000000, peerDiagnosis: 0x77000000 };
  const transport = kernelWhere({ mode: 1, attributes: { fallback } });
  const { status, stdout } = await chk(`-C 127.0.0.1:${port}`, { transport, hostRoot, env });
  t.equal(status, 3);
  t.match(stdout, / {5}Failed {2}TCP fallback\n/);
  t.match(stdout, /^ {10}Client: 0x05000000 PEERDECL: the peer declined/m);
  t.match(stdout, /^ {10}Server: 0x77000000 not a Linux code; the peer may run another system$/m);
  t.match(stdout, /^ {10}Declined by: the peer$/m);
});

t.test('a handshake that has not settled at once', async (t) => {
  const port = await listener(t);
  const { hostRoot, env } = preloaded(t);
  const transport = kernelWhere({ mode: 2, attributes: { dmb: DMB } });
  const { sockets } = transport;
  let dumps = 0;
  const STATE_INIT = 2;
  transport.sockets = (...request) => {
    const isSettled = ++dumps > 6;
    const rows = sockets?.(...request) ?? [];
    return isSettled ? rows : rows.map((row) => ({ ...row, mode: 0, state: STATE_INIT }));
  };
  const { status, stdout } = await chk(`-C 127.0.0.1:${port}`, { transport, hostRoot, env });
  t.match(stdout, /Success, using SMC-D/);
  t.equal(status, 0);
});

t.test('a socket that is none of SMC', async (t) => {
  const port = await listener(t);
  const transport = inspectedKernel();
  transport.sockets = () => [];
  for (const [protocols, text] of [
    ['SMC 1 0 -1\n', /the kernel has SMC, but gave this process a TCP socket/],
    [
      'TCP 1 0 -1\n',
      /Cause at this host: the kernel module smc is not loaded\n +Fix: on the host: modprobe smc\n/,
    ],
  ] as const) {
    const { hostRoot, env } = preloaded(t, protocols);
    const { status, stdout } = await chk(`-C 127.0.0.1:${port}`, { transport, hostRoot, env });
    t.equal(status, 3);
    t.match(stdout, text);
  }
});
