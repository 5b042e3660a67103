// SPDX-License-Identifier: MIT
import t, { type Test } from 'tap';
import { NetlinkError } from '../../src/netlink/error.ts';
import { GenericNetlink } from '../../src/netlink/genetlink.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { SmcError } from '../../src/smc/error.ts';
import {
  checkPnetId,
  describeEntry,
  foldPnetId,
  type PnetAddition,
  PnetTable,
} from '../../src/smc/pnet-table.ts';
import { Errno, FakeKernel } from '../helpers/fake-kernel.ts';

interface Row {
  name: string;
  ethName: string;
  ibName: string;
  ibPort: number;
}

const eth = (name: string, ethName: string): Row => ({ name, ethName, ibName: 'n/a', ibPort: 255 });
const ib = (name: string, ibName: string, ibPort = 1): Row => ({ name, ethName: 'n/a', ibName, ibPort });

interface Setting {
  /** entries that are there at the start */
  table?: Row[];
  /** a network namespace other than the initial one */
  namespace?: boolean;
  /** interfaces with a PNET ID in hardware */
  hardware?: string[];
  /** PNET IDs on second ports: device -> [PNET ID, set by user] */
  secondPorts?: Record<string, [string, number]>;
  /** errno of every ADD, DEL, FLUSH */
  refuse?: string;
}

interface Bench {
  kernel: FakeKernel;
  pnet: PnetTable;
  table: Row[];
  /** attributes of each request that would change something */
  changes: Record<string, unknown>[];
}

/** A PNET table that follows the rules of net/smc/smc_pnet.c as far as they were observed. */
function bench(t: Test, setting: Setting = {}): Bench {
  const table = [...(setting.table ?? [])];
  const changes: Record<string, unknown>[] = [];
  const secondPorts = { ...setting.secondPorts };
  const refuse = (): void => {
    if (setting.refuse) throw new Errno(setting.refuse);
  };
  const kernel = new FakeKernel()
    .serve(smcPnetid, {
      GET: () => table,
      ADD(attributes) {
        refuse();
        const { name = '', ethName, ibName, ibPort = 1 } = attributes as Partial<Row>;
        changes.push(attributes);
        let isNew = false;
        if (ethName !== undefined && !setting.hardware?.includes(ethName))
          if (!table.some((row) => row.ethName === ethName)) {
            table.push(eth(name, ethName));
            isNew = true;
          }
        if (ibName !== undefined && !setting.namespace) {
          if (ibPort < 1 || ibPort > 2) throw new Errno('EINVAL');
          if (ibPort === 2) secondPorts[ibName] ??= [name, 1];
          if (!table.some((row) => row.ibName === ibName)) {
            table.push(ib(name, ibName, ibPort));
            isNew = true;
          }
        }
        if (!isNew) throw new Errno('EEXIST');
        return [];
      },
      DEL(attributes) {
        refuse();
        changes.push(attributes);
        if (!table.some((row) => row.name === attributes['name'])) throw new Errno('ENOENT');
        return [];
      },
      FLUSH() {
        refuse();
        changes.push({});
        return [];
      },
    })
    .serve(smcGenNetlink, {
      GET_DEV_SMCR: () =>
        Object.entries(secondPorts).map(([ibName, [pnetId, pnetUser]]) => ({
          devSmcr: {
            ibName,
            port: { pnetId: 'OTHER', pnetUser: 1, valid: 1 },
            port2: { pnetId, pnetUser, valid: 1 },
          },
        })),
    });
  let netlink: Promise<GenericNetlink> | undefined;
  const pnet = new PnetTable(() => {
    netlink ??= GenericNetlink.open({ transport: kernel });
    return netlink;
  });
  t.teardown(async () => (await netlink)?.close());
  return { kernel, pnet, table, changes };
}

const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: Error) => error,
  );

t.test('list', async (t) => {
  const { pnet } = bench(t, {
    table: [eth('NET1', 'eth0'), ib('NET1', 'mlx5_0', 2), ib('NET2', '0000:01:00.0')],
  });
  const entries = await pnet.list();
  t.strictSame(entries, [
    { pnetId: 'NET1', kind: 'ethernet', ethName: 'eth0', ibName: 'n/a', ibPort: 255 },
    { pnetId: 'NET1', kind: 'device', ethName: 'n/a', ibName: 'mlx5_0', ibPort: 2 },
    { pnetId: 'NET2', kind: 'device', ethName: 'n/a', ibName: '0000:01:00.0', ibPort: 1 },
  ]);
  t.strictSame(entries.map(describeEntry), [
    'interface eth0',
    'device mlx5_0 port 2',
    'device 0000:01:00.0 port 1',
  ]);
});

t.test('list reads a table of many datagrams in order', async (t) => {
  const table = Array.from({ length: 300 }, (_, i) => eth(`NET${i}`, `eth${i}`));
  const { pnet } = bench(t, { table });
  t.strictSame(
    (await pnet.list()).map(({ ethName }) => ethName),
    table.map(({ ethName }) => ethName),
  );
});

t.test('an interface that is called n/a is not taken for a device', async (t) => {
  const { pnet } = bench(t, { table: [eth('A', 'n/a')] });
  t.match(await pnet.list(), [{ kind: 'ethernet', ethName: 'n/a' }]);
});

t.test('an entry has all four attributes', async (t) => {
  for (const key of ['name', 'ethName', 'ibName', 'ibPort']) {
    const { pnet, table } = bench(t);
    table.push({ ...eth('A', 'eth0'), [key]: undefined } as Row);
    await t.rejects(pnet.list(), { code: 'ERR_MALFORMED', detail: new RegExp(`^PNETID\\.${key} `) });
  }
});

/** What each call makes of each errno: a NetlinkError with that code, an SmcError code, or success. */
const ERRNOS = ['EPERM', 'ENOENT', 'EOPNOTSUPP', 'EEXIST', 'EINVAL', 'ENOMEM', 'ENODEV'] as const;
const VERDICTS: Record<string, Partial<Record<(typeof ERRNOS)[number], string>>> = {
  list: {},
  'add interface': { ENOENT: 'NOT_FOUND', ENODEV: 'NOT_FOUND', EEXIST: 'EXISTS' },
  'add device': { ENOENT: 'NOT_FOUND', ENODEV: 'NOT_FOUND', EEXIST: 'NOT_SUPPORTED' },
  // the probe of the namespace meets it first; EINVAL there means "go on", and then the addition itself gets it
  'add both': { EEXIST: 'NOT_SUPPORTED', ENOENT: 'ENOENT' },
  remove: { ENOENT: 'NOT_FOUND' },
  flush: { ENOENT: 'done' },
};

for (const [call, verdicts] of Object.entries(VERDICTS))
  for (const code of ERRNOS)
    t.test(`${call}, the kernel says ${code}`, async (t) => {
      const { pnet, kernel } = bench(t, { refuse: code });
      if (call === 'list')
        kernel.serve(smcPnetid, {
          GET: () => {
            throw new Errno(code);
          },
        });
      const calls: Record<string, () => Promise<unknown>> = {
        list: () => pnet.list(),
        'add interface': () => pnet.add({ pnetId: 'NET1', ethName: 'eth0' }),
        'add device': () => pnet.add({ pnetId: 'NET1', ibName: 'mlx5_0' }),
        'add both': () => pnet.add({ pnetId: 'NET1', ethName: 'eth0', ibName: 'mlx5_0' }),
        remove: () => pnet.remove('NET1'),
        flush: () => pnet.flush(),
      };
      const verdict = verdicts[code];
      if (verdict === 'done') {
        await calls[call]!();
        return t.ok(kernel.log.length < 6);
      }
      const error = (await failure(calls[call]!())) as NetlinkError | SmcError;
      t.equal(error.code, verdict ?? code);
      const own = verdict !== undefined && verdict !== code;
      t.ok(own ? error instanceof SmcError : error instanceof NetlinkError, error.name);
      if (own && call !== 'add both')
        t.match(error.cause, { name: 'NetlinkError', code }, "the kernel's word is the cause");
      if (!own) t.equal((error as NetlinkError).op, call === 'list' ? 'dump' : 'request');
      t.ok(kernel.log.length < 12, `no endless tries: ${kernel.log.length} requests`);
    });

t.test('a table that cannot be read is not written to', async (t) => {
  const { pnet, kernel, changes } = bench(t);
  kernel.serve(smcPnetid, {
    GET: () => {
      throw new Errno('ENOMEM', [eth('A', 'eth0')]);
    },
  });
  t.match(await failure(pnet.add({ pnetId: 'NET1', ethName: 'eth9' })), { op: 'dump', code: 'ENOMEM' });
  t.strictSame(changes, []);
});

t.test('add an interface', async (t) => {
  const { pnet, changes, kernel } = bench(t);
  t.strictSame(await pnet.add({ pnetId: 'net1', ethName: 'eth0' }), {
    pnetId: 'NET1',
    alreadyThere: [],
    unlistedPort: false,
  });
  t.strictSame(changes, [{ name: 'NET1', ethName: 'eth0' }]);
  t.strictSame(kernel.log, ['nlctrl GETFAMILY SMC_PNETID', 'SMC_PNETID GET', 'SMC_PNETID ADD']);
});

t.test('add a device; the port is 1 unless said', async (t) => {
  const { pnet, changes } = bench(t);
  await pnet.add({ pnetId: 'NET1', ibName: 'mlx5_0' });
  await pnet.add({ pnetId: 'NET1', ibName: 'mlx5_1', ibPort: 2 });
  t.strictSame(changes, [
    { name: 'NET1', ibName: 'mlx5_0', ibPort: 1 },
    { name: 'NET1', ibName: 'mlx5_1', ibPort: 2 },
  ]);
});

t.test(
  'add both: the namespace is probed with a port that cannot be, then one request does it',
  async (t) => {
    const { pnet, changes, table } = bench(t);
    await pnet.add({ pnetId: 'NET1', ethName: 'eth0', ibName: 'mlx5_0', ibPort: 2 });
    t.strictSame(changes, [
      { name: 'NET1', ibName: 'mlx5_0', ibPort: 3 },
      { name: 'NET1', ethName: 'eth0', ibName: 'mlx5_0', ibPort: 2 },
    ]);
    t.strictSame(table, [eth('NET1', 'eth0'), ib('NET1', 'mlx5_0', 2)]);
  },
);

t.test('folding', async (t) => {
  t.equal(foldPnetId(' \t\n\v\f\r\u00a0net1\u00a0 '), 'NET1');
  t.equal(foldPnetId('\u2003x'), '\u2003X', 'only what the kernel calls white space');
  t.equal(checkPnetId(' aBc9 '), 'ABC9');
  t.equal(checkPnetId('ABCDEFGHIJKLMNOP'), 'ABCDEFGHIJKLMNOP');
  const { pnet, changes } = bench(t);
  t.equal((await pnet.add({ pnetId: '  net1\n', ethName: 'eth0' })).pnetId, 'NET1');
  await pnet.remove(' nEt1 ');
  t.strictSame(changes.at(-1), { name: 'NET1' });
});

t.test('nothing is sent on invalid input', async (t) => {
  const { pnet, kernel } = bench(t);
  const bad: [string, PnetAddition, RegExp][] = [
    ['empty', { pnetId: '', ethName: 'eth0' }, /the PNET ID is empty/],
    ['blank', { pnetId: ' \t', ethName: 'eth0' }, /the PNET ID is empty/],
    ['17 characters', { pnetId: 'ABCDEFGHIJKLMNOPQ', ethName: 'eth0' }, /too long/],
    ['17 with a blank', { pnetId: ' ABCDEFGHIJKLMNOP', ethName: 'eth0' }, /too long/],
    ['dash', { pnetId: 'NET-1', ethName: 'eth0' }, /"-"/],
    ['underscore', { pnetId: 'NET_1', ethName: 'eth0' }, /"_"/],
    ['inner blank', { pnetId: 'NET 1', ethName: 'eth0' }, /" "/],
    ['NUL', { pnetId: 'NET\0', ethName: 'eth0' }, /\\u0000/],
    ['Latin-1', { pnetId: 'NETé', ethName: 'eth0' }, /must not contain/],
    ['a pair of surrogates is one character', { pnetId: 'A😀', ethName: 'eth0' }, /"😀"/],
    ['neither', { pnetId: 'NET1' }, /an interface or a device is needed/],
    ['interface empty', { pnetId: 'NET1', ethName: '' }, /the interface name is empty/],
    ['interface blank', { pnetId: 'NET1', ethName: '  ' }, /the interface name is empty/],
    ['interface too long', { pnetId: 'NET1', ethName: 'e'.repeat(16) }, /interface name .* is too long/],
    ['interface with a blank', { pnetId: 'NET1', ethName: 'e 0' }, /must not contain blanks/],
    ['interface with a slash', { pnetId: 'NET1', ethName: 'n/a' }, /must not contain blanks, slashes/],
    ['interface with a NUL', { pnetId: 'NET1', ethName: 'e\0' }, /control characters/],
    ['device empty', { pnetId: 'NET1', ibName: '' }, /the device name is empty/],
    ['device too long', { pnetId: 'NET1', ibName: 'm'.repeat(64) }, /device name .* is too long/],
    ['device too long in bytes', { pnetId: 'NET1', ibName: 'é'.repeat(32) }, /device name .* is too long/],
    ['device with an escape', { pnetId: 'NET1', ibName: 'm\x1b[2J' }, /control characters/],
    ['good interface, bad device', { pnetId: 'NET1', ethName: 'eth0', ibName: ' ' }, /device name is empty/],
    ['port 0', { pnetId: 'NET1', ibName: 'm', ibPort: 0 }, /port 0 is out of range/],
    ['port 3', { pnetId: 'NET1', ibName: 'm', ibPort: 3 }, /port 3 is out of range/],
    ['port 1.5', { pnetId: 'NET1', ibName: 'm', ibPort: 1.5 }, /port 1.5 is out of range/],
    ['port NaN', { pnetId: 'NET1', ibName: 'm', ibPort: Number.NaN }, /port NaN is out of range/],
  ];
  for (const [what, addition, message] of bad) {
    const error = await failure(pnet.add(addition));
    t.match(error, { name: 'SmcError', code: 'INVALID', message }, what);
  }
  t.match(await failure(pnet.remove('')), { code: 'INVALID' });
  t.match(await failure(pnet.remove(' \n')), { code: 'INVALID' });
  t.match(await failure(pnet.remove('ABCDEFGHIJKLMNOPQ')), { code: 'NOT_FOUND' });
  t.strictSame(kernel.log, []);
});

t.test('the longest names pass', async (t) => {
  const { pnet, table } = bench(t);
  await pnet.add({ pnetId: 'A'.repeat(16), ethName: 'e'.repeat(15), ibName: 'm'.repeat(63) });
  t.equal(table.length, 2);
});

t.test('letters that become ASCII only by upper-casing are refused', async (t) => {
  for (const pnetId of ['ß', 'netı', 'ſ', 'ﬁ'])
    t.throws(() => checkPnetId(pnetId), { name: 'SmcError', code: 'INVALID' }, JSON.stringify(pnetId));
});

t.test('conflicts with another PNET ID', async (t) => {
  const { pnet, changes } = bench(t, { table: [eth('NET1', 'eth0'), ib('NET1', 'mlx5_0')] });
  const byInterface = await failure(pnet.add({ pnetId: 'NET2', ethName: 'eth0' }));
  t.match(byInterface, {
    code: 'EXISTS',
    message: 'interface eth0 is already in the table, with PNET ID NET1',
    hint: 'delete that entry first (smc_pnet -d NET1 deletes all entries of NET1)',
  });
  const byDevice = await failure(pnet.add({ pnetId: 'NET2', ibName: 'mlx5_0' }));
  t.match(byDevice, { code: 'EXISTS', message: /^device mlx5_0 port 1 is already in the table/ });
  const byOneOfBoth = await failure(pnet.add({ pnetId: 'NET2', ethName: 'eth1', ibName: 'mlx5_0' }));
  t.match(byOneOfBoth, { code: 'EXISTS', message: /^device mlx5_0/ });
  t.strictSame(changes, [], 'both or none: nothing was changed');
});

t.test('there already, in whole', async (t) => {
  const { pnet, changes } = bench(t, { table: [eth('NET1', 'eth0'), ib('NET1', 'mlx5_0')] });
  t.match(await failure(pnet.add({ pnetId: 'net1', ethName: 'eth0' })), {
    code: 'EXISTS',
    message: /interface eth0/,
  });
  t.match(await failure(pnet.add({ pnetId: 'NET1', ethName: 'eth0', ibName: 'mlx5_0' })), { code: 'EXISTS' });
  t.strictSame(changes, []);
});

t.test('there already, in part: the rest is added and the part is told', async (t) => {
  const first = bench(t, { table: [eth('NET1', 'eth0')] });
  t.match(await first.pnet.add({ pnetId: 'NET1', ethName: 'eth0', ibName: 'mlx5_0' }), {
    alreadyThere: [{ kind: 'ethernet', ethName: 'eth0', pnetId: 'NET1' }],
    unlistedPort: false,
  });
  t.strictSame(first.changes, [{ name: 'NET1', ibName: 'mlx5_0', ibPort: 1 }]);

  const second = bench(t, { table: [ib('NET1', 'mlx5_0')] });
  t.match(await second.pnet.add({ pnetId: 'NET1', ethName: 'eth0', ibName: 'mlx5_0' }), {
    alreadyThere: [{ kind: 'device', ibName: 'mlx5_0', ibPort: 1 }],
  });
  t.strictSame(second.changes, [{ name: 'NET1', ethName: 'eth0' }]);
});

t.test('the second port of a device gets its PNET ID, but no line', async (t) => {
  for (const pnetId of ['NET1', 'NET2']) {
    const { pnet, table } = bench(t, { table: [ib('NET1', 'mlx5_0')] });
    t.strictSame(await pnet.add({ pnetId, ibName: 'mlx5_0', ibPort: 2 }), {
      pnetId,
      alreadyThere: [],
      unlistedPort: true,
    });
    t.equal(table.length, 1);
  }
});

t.test('the second port has another PNET ID, or one in hardware', async (t) => {
  for (const [pnetId, user] of [
    ['NET9', 1],
    ['NET1', 0],
  ] as const) {
    const { pnet } = bench(t, {
      table: [ib('NET1', 'mlx5_0')],
      secondPorts: { mlx5_0: [pnetId, user] },
    });
    const error = await failure(pnet.add({ pnetId: 'NET1', ibName: 'mlx5_0', ibPort: 2 }));
    t.match(error, {
      code: 'EXISTS',
      message: /^port 2 of device mlx5_0 was not set; .* port 1 is already in it, with PNET ID NET1$/,
    });
    t.match(error.cause, { code: 'EEXIST' });
  }
});

t.test('what a second port has is not guessed when the devices cannot be listed', async (t) => {
  const { pnet, kernel } = bench(t, { table: [ib('NET1', 'mlx5_0', 1)] });
  kernel.raw = (request) => {
    const isLookup = request.data.includes('SMC_GEN_NETLINK');
    return isLookup ? [kernel.error(request, 'ENOMEM')] : undefined;
  };
  await t.rejects(pnet.add({ pnetId: 'NET1', ibName: 'mlx5_0', ibPort: 2 }), {
    op: 'resolve family',
    code: 'ENOMEM',
  });
});

t.test('port 1 after port 2 is the unlisted one', async (t) => {
  const { pnet, kernel } = bench(t, { table: [ib('NET1', 'mlx5_0', 2)] });
  kernel.serve(smcGenNetlink, {
    GET_DEV_SMCR: () => [{ devSmcr: { ibName: 'mlx5_0', port: { pnetId: 'NET1', pnetUser: 1, valid: 1 } } }],
  });
  t.match(await pnet.add({ pnetId: 'NET1', ibName: 'mlx5_0', ibPort: 1 }), { unlistedPort: true });
});

t.test('a second port that comes with a new interface is told as unlisted', async (t) => {
  const { pnet } = bench(t, { table: [ib('NET1', 'mlx5_0')] });
  t.match(await pnet.add({ pnetId: 'NET1', ethName: 'eth0', ibName: 'mlx5_0', ibPort: 2 }), {
    unlistedPort: true,
  });
});

t.test('a namespace without devices', async (t) => {
  const hint = /initial network namespace/;
  const alone = bench(t, { namespace: true });
  t.match(await failure(alone.pnet.add({ pnetId: 'NET1', ibName: 'mlx5_0' })), {
    code: 'NOT_SUPPORTED',
    message: /device mlx5_0 cannot be added in this network namespace/,
    hint,
  });
  t.strictSame(alone.table, []);

  const both = bench(t, { namespace: true });
  t.match(await failure(both.pnet.add({ pnetId: 'NET1', ethName: 'eth0', ibName: 'mlx5_0' })), {
    code: 'NOT_SUPPORTED',
    hint,
  });
  t.strictSame(both.table, [], 'the interface alone was not asked for');

  const second = bench(t, { namespace: true });
  t.match(await failure(second.pnet.add({ pnetId: 'NET1', ibName: 'mlx5_0', ibPort: 2 })), {
    code: 'NOT_SUPPORTED',
  });

  const interfaceOnly = bench(t, { namespace: true });
  await interfaceOnly.pnet.add({ pnetId: 'NET1', ethName: 'eth0' });
  t.strictSame(interfaceOnly.table, [eth('NET1', 'eth0')]);
});

t.test('an interface with a PNET ID in hardware', async (t) => {
  const { pnet } = bench(t, { hardware: ['enP1'] });
  t.match(await failure(pnet.add({ pnetId: 'NET1', ethName: 'enP1' })), {
    code: 'EXISTS',
    message: 'interface enP1 has a PNET ID in hardware',
    hint: 'a hardware PNET ID cannot be replaced',
  });
});

t.test('somebody else was faster: the culprit is looked up again', async (t) => {
  const { pnet, kernel } = bench(t);
  let reads = 0;
  kernel.serve(smcPnetid, {
    GET: () => (reads++ === 0 ? [] : [eth('NET7', 'eth0')]),
    ADD: () => {
      throw new Errno('EEXIST');
    },
  });
  t.match(await failure(pnet.add({ pnetId: 'NET1', ethName: 'eth0' })), {
    code: 'EXISTS',
    message: 'interface eth0 is already in the table, with PNET ID NET7',
  });
});

t.test('names in NOT_FOUND', async (t) => {
  const { pnet, kernel } = bench(t);
  kernel.serve(smcPnetid, {
    GET: () => [],
    ADD: ({ ibPort }) => {
      throw new Errno(ibPort === 3 ? 'EINVAL' : 'ENODEV');
    },
  });
  t.match(await failure(pnet.add({ pnetId: 'A', ethName: 'eth0', ibName: 'mlx5_0' })), {
    code: 'NOT_FOUND',
    message: 'the kernel does not know eth0 or mlx5_0',
  });
  t.match(await failure(pnet.add({ pnetId: 'A', ibName: 'mlx5_0' })), {
    message: 'the kernel does not know mlx5_0',
  });
});

t.test('a family that goes away meanwhile is not an unknown interface', async (t) => {
  const { pnet, kernel } = bench(t);
  kernel.serve(smcPnetid, {
    GET: () => {
      kernel.unload('SMC_PNETID');
      return [];
    },
  });
  t.match(await failure(pnet.add({ pnetId: 'A', ethName: 'eth0' })), {
    op: 'resolve family',
    code: 'ENOENT',
  });
});

t.test('remove', async (t) => {
  const { pnet, changes } = bench(t, { table: [eth('NET1', 'eth0')] });
  await pnet.remove('net1');
  t.strictSame(changes, [{ name: 'NET1' }]);
  t.match(await failure(pnet.remove('net2')), {
    code: 'NOT_FOUND',
    message: 'PNET ID "NET2" is not in the table',
  });
});

t.test('remove does not send what the kernel would read as another name', async (t) => {
  const { pnet, changes } = bench(t, { table: [eth('NET1', 'eth0')] });
  for (const pnetId of ['NET1 junk', 'NET1\tx', 'NET-1', 'NET1\0x', '*'])
    t.match(await failure(pnet.remove(pnetId)), { code: 'NOT_FOUND' }, JSON.stringify(pnetId));
  t.strictSame(changes, []);
});

t.test('flush', async (t) => {
  const { pnet, changes, kernel } = bench(t);
  await pnet.flush();
  t.strictSame(changes, [{}]);
  t.strictSame(kernel.log, ['nlctrl GETFAMILY SMC_PNETID', 'SMC_PNETID FLUSH']);
});

t.test('flush without the family is a failure, not an empty table', async (t) => {
  const { pnet, kernel } = bench(t);
  kernel.unload('SMC_PNETID');
  t.match(await failure(pnet.flush()), { op: 'resolve family', code: 'ENOENT' });
  t.match(await failure(pnet.remove('A')), { op: 'resolve family', code: 'ENOENT' });
});
