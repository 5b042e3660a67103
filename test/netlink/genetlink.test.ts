// SPDX-License-Identifier: MIT
import t, { type Test } from 'tap';
import { str, u32 } from '../../src/netlink/codec.ts';
import { NetlinkError } from '../../src/netlink/error.ts';
import { family } from '../../src/netlink/family.ts';
import { GenericNetlink, genlHeader } from '../../src/netlink/genetlink.ts';
import type { Message } from '../../src/netlink/message.ts';
import { attrs } from '../../src/netlink/schema.ts';
import { controller, GENL_ID_CTRL } from '../../src/netlink/uapi/netlink.ts';
import { Errno, FakeKernel } from '../helpers/fake-kernel.ts';

const item = attrs('ITEM', { id: [1, u32, 'required'], name: [2, str(15)] });
const commands = family('FAMILY', 3, {
  GET: { id: 1, request: item, reply: item },
  LIST: { id: 2, request: attrs('none', {}), reply: item },
  MISSING: { id: 9, request: attrs('none', {}), reply: item },
});

const items = Array.from({ length: 50 }, (_, id) => ({ id, name: `name${id}` }));

async function open(t: Test, kernel: FakeKernel): Promise<GenericNetlink> {
  const netlink = await GenericNetlink.open({ transport: kernel });
  t.teardown(() => netlink.close());
  return netlink;
}

t.test('a declared family knows its names and numbers', async (t) => {
  t.match(commands.GET, { family: 'FAMILY', version: 3, id: 1, name: 'GET' });
  t.match(commands.LIST, { family: 'FAMILY', version: 3, id: 2, name: 'LIST' });
});

for (const order of ['LE', 'BE'] as const)
  t.test(`${order}: do and dump`, async (t) => {
    let asked: unknown;
    const kernel = new FakeKernel(order).serve(commands, {
      GET: (attributes) => {
        asked = attributes;
        return [items[7]!];
      },
      LIST: () => items,
    });
    const netlink = await open(t, kernel);
    t.strictSame(await netlink.do(commands.GET, { id: 7, name: 'x' }), [{ id: 7, name: 'name7' }]);
    t.strictSame(asked, { id: 7, name: 'x' });
    t.strictSame(await netlink.dumpAll(commands.LIST), items);
    const streamed: unknown[] = [];
    for await (const row of await netlink.dump(commands.LIST)) streamed.push(row);
    t.strictSame(streamed, items);
  });

t.test('a family is looked up once, however many ask', async (t) => {
  const kernel = new FakeKernel().serve(commands, { GET: () => [] }, 77);
  const netlink = await open(t, kernel);
  const found = await Promise.all([netlink.resolve('FAMILY'), netlink.resolve('FAMILY')]);
  t.strictSame(found[0], { id: 77, name: 'FAMILY', version: 1, operations: [{ id: 1, flags: 0 }] });
  t.equal(found[0], found[1]);
  await netlink.do(commands.GET, { id: 1 });
  t.strictSame(kernel.log, ['nlctrl GETFAMILY FAMILY', 'FAMILY GET']);
});

t.test('a missing family says so, and is asked for again next time', async (t) => {
  const kernel = new FakeKernel();
  const netlink = await open(t, kernel);
  await t.rejects(netlink.resolve('FAMILY'), {
    name: 'NetlinkError',
    op: 'resolve family',
    code: 'ENOENT',
    errno: 2,
    family: 'FAMILY',
    message: 'resolve family FAMILY GETFAMILY: ENOENT',
  });
  await t.rejects(netlink.do(commands.GET, { id: 1 }), { op: 'resolve family', code: 'ENOENT' });
  t.equal(kernel.log.length, 2);
  kernel.serve(commands, { GET: () => [] });
  t.strictSame(await netlink.do(commands.GET, { id: 1 }), [], 'its module was loaded meanwhile');
});

t.test('a reply of the controller that describes no family, or another one', async (t) => {
  const described = (kernel: FakeKernel, request: Message, attributes: object, command = 1): Buffer =>
    kernel.message(
      request,
      Buffer.concat([
        genlHeader.encode({ command, version: 1, reserved: 0 }, kernel.order),
        controller.encode(attributes, kernel.order),
      ]),
      GENL_ID_CTRL,
    );
  const good = { familyId: 40, familyName: 'FAMILY', version: 1 };
  const { familyId, ...noId } = good;
  const { version, ...noVersion } = good;
  for (const [replies, detail] of [
    [[], 'it describes no family'],
    [[noId], 'a family without id, name or version'],
    [[noVersion], 'a family without id, name or version'],
    [[{ ...good, familyId: 3 }], 'a family with the id 3'],
    [[{ ...good, familyId: 1024 }], 'a family with the id 1024'],
    [[{ ...good, familyName: 'OTHER' }], 'it describes OTHER'],
    [[good, { ...good, familyName: 'OTHER' }], 'it describes FAMILY,OTHER'],
  ] as const) {
    const kernel = new FakeKernel();
    kernel.raw = (request) => [
      ...replies.map((reply) => described(kernel, request, reply)),
      kernel.error(request, 0),
    ];
    const netlink = await open(t, kernel);
    await t.rejects(netlink.resolve('FAMILY'), { op: 'decode', code: 'ERR_MALFORMED', detail });
  }
  const kernel = new FakeKernel();
  kernel.raw = (request) => [described(kernel, request, good, 2), kernel.error(request, 0)];
  await t.rejects((await open(t, kernel)).resolve('FAMILY'), {
    code: 'ERR_MALFORMED',
    detail: 'a reply to command 2, not to 3',
  });
});

t.test('what is told in one message is not there without it, nor twice', async (t) => {
  const kernel = new FakeKernel();
  let rows: object[] = [];
  kernel.serve(commands, { LIST: () => rows });
  const netlink = await open(t, kernel);
  const malformed = { code: 'ERR_MALFORMED', family: 'FAMILY', command: 'LIST' };
  await t.rejects(netlink.one(commands.LIST), { ...malformed, detail: 'it is empty' });
  rows = items.slice(0, 2);
  await t.rejects(netlink.one(commands.LIST), { ...malformed, detail: '2 messages in place of one' });
  rows = items.slice(0, 1);
  t.strictSame(await netlink.one(commands.LIST), items[0]);
});

t.test('a command may be answered by messages of others', async (t) => {
  const table = family('FAMILY', 1, {
    LIST: { id: 2, replyIds: [1, 2], request: attrs('none', {}), reply: item },
    STRICT: { id: 3, request: attrs('none', {}), reply: item },
  });
  const kernel = new FakeKernel().serve(table, {});
  kernel.raw = (request) => {
    if (request.type === GENL_ID_CTRL) return undefined;
    const payload = (command: number): Buffer =>
      Buffer.concat([
        genlHeader.encode({ command, version: 1, reserved: 0 }, kernel.order),
        item.encode({ id: command }, kernel.order),
      ]);
    return [1, 2]
      .map((command) => kernel.message(request, payload(command), request.type, 2))
      .concat(kernel.done(request));
  };
  const netlink = await open(t, kernel);
  t.strictSame(await netlink.dumpAll(table.LIST), [{ id: 1 }, { id: 2 }]);
  await t.rejects(netlink.dumpAll(table.STRICT), {
    code: 'ERR_MALFORMED',
    detail: 'a reply to command 1, not to 3',
  });
});

t.test('a stale id is looked up anew, once', async (t) => {
  for (const call of ['do', 'dumpAll'] as const) {
    const kernel = new FakeKernel().serve(commands, { GET: () => [], LIST: () => [] }, 40);
    const netlink = await open(t, kernel);
    await netlink.resolve('FAMILY');
    kernel.serve(commands, { GET: () => [items[1]!], LIST: () => [items[1]!] }, 41);
    const rows = await (call === 'do' ? netlink.do(commands.GET, { id: 1 }) : netlink.dumpAll(commands.LIST));
    t.strictSame(rows, [items[1]], call);
    t.strictSame(kernel.log.slice(1, 3), [
      `type 40 command ${call === 'do' ? 1 : 2}`,
      'nlctrl GETFAMILY FAMILY',
    ]);
    t.equal(kernel.log.length, 4);
  }
});

t.test('a family that is gone after a stale id', async (t) => {
  const kernel = new FakeKernel().serve(commands, { GET: () => [] }, 40);
  const netlink = await open(t, kernel);
  await netlink.resolve('FAMILY');
  kernel.unload('FAMILY');
  await t.rejects(netlink.do(commands.GET, { id: 1 }), { op: 'resolve family', code: 'ENOENT' });
  t.equal(kernel.log.length, 3);
});

t.test('a listed family with a stale id is listed again, and never asked for by name', async (t) => {
  const kernel = new FakeKernel().serve(commands, { GET: () => [] }, 40);
  const netlink = await open(t, kernel);
  const known = await netlink.families();
  kernel.serve(commands, { GET: () => [items[1]!] }, 41);
  t.strictSame(await netlink.do(commands.GET, { id: 1 }), [items[1]], 'the module was loaded again');
  kernel.unload('FAMILY');
  const other = await GenericNetlink.open({ transport: kernel }, known);
  t.teardown(() => other.close());
  for (const one of [netlink, other])
    await t.rejects(one.do(commands.GET, { id: 1 }), {
      op: 'resolve family',
      code: 'ENOENT',
      errno: 2,
      family: 'FAMILY',
    });
  t.strictSame(
    kernel.log.filter((line) => line.startsWith('nlctrl')),
    Array(4).fill('nlctrl GETFAMILY'),
    'a name would load it again',
  );
});

t.test('ENOENT as the command’s own answer is not repeated', async (t) => {
  const kernel = new FakeKernel().serve(commands, {
    GET: () => {
      throw new Errno('ENOENT');
    },
  });
  const netlink = await open(t, kernel);
  await t.rejects(netlink.do(commands.GET, { id: 1 }), {
    op: 'request',
    code: 'ENOENT',
    family: 'FAMILY',
    command: 'GET',
  });
  t.equal(kernel.log.filter((line) => line === 'FAMILY GET').length, 1);
});

t.test('ENOENT under a changing id ends, too', async (t) => {
  const kernel = new FakeKernel();
  let id = 40;
  const reload = (): void => {
    kernel.serve(commands, { GET: () => [] }, id++);
  };
  reload();
  kernel.raw = (request) => {
    if (request.type === GENL_ID_CTRL) return undefined;
    reload();
    kernel.log.push('stale');
    return [kernel.error(request, 'ENOENT')];
  };
  const netlink = await open(t, kernel);
  await t.rejects(netlink.do(commands.GET, { id: 1 }), { op: 'request', code: 'ENOENT' });
  t.equal(kernel.log.filter((line) => line === 'stale').length, 2);
});

t.test('errors carry family, command and op', async (t) => {
  const fail = (code: string, rows?: object[]) => () => {
    throw new Errno(code, rows);
  };
  const kernel = new FakeKernel().serve(commands, { GET: fail('EPERM'), LIST: fail('ENOMEM', items) });
  const netlink = await open(t, kernel);
  const failures = await Promise.all([
    netlink.do(commands.GET, { id: 1 }).catch((error: unknown) => error),
    netlink.dumpAll(commands.LIST).catch((error: unknown) => error),
    netlink.do(commands.MISSING, {}).catch((error: unknown) => error),
  ]);
  t.match(failures, [
    {
      op: 'request',
      code: 'EPERM',
      errno: 1,
      family: 'FAMILY',
      command: 'GET',
      message: 'request FAMILY GET: EPERM',
    },
    { op: 'dump', code: 'ENOMEM', family: 'FAMILY', command: 'LIST' },
    { op: 'request', code: 'EOPNOTSUPP', errno: 95, family: 'FAMILY', command: 'MISSING' },
  ]);
  t.ok(failures.every((failure) => failure instanceof NetlinkError));
});

t.test('a reply shorter than its header is malformed', async (t) => {
  const kernel = new FakeKernel().serve(commands, { LIST: () => [] }, 40);
  kernel.raw = (request) =>
    request.type === 40 ? [kernel.message(request, Buffer.alloc(2), 40, 2)] : undefined;
  const netlink = await open(t, kernel);
  await t.rejects(netlink.dumpAll(commands.LIST), {
    op: 'decode',
    code: 'ERR_MALFORMED',
    detail: '2 bytes, struct genlmsghdr needs 4',
  });
});

t.test('all families are listed without asking for one by name', async (t) => {
  const other = family('OTHER', 1, { GET: { id: 7, request: item, reply: item } });
  const kernel = new FakeKernel()
    .serve(commands, { GET: () => [], LIST: () => [] }, 40)
    .serve(other, { GET: () => [] }, 41);
  const netlink = await open(t, kernel);
  const flags = 0;
  t.strictSame(await netlink.families(), [
    {
      id: 40,
      name: 'FAMILY',
      version: 1,
      operations: [
        { id: 1, flags },
        { id: 2, flags },
      ],
    },
    { id: 41, name: 'OTHER', version: 1, operations: [{ id: 7, flags }] },
  ]);
  t.strictSame(kernel.log, ['nlctrl GETFAMILY'], 'a name would load a module');
});

t.test('close', async (t) => {
  const kernel = new FakeKernel().serve(commands, { GET: () => [] });
  const netlink = await open(t, kernel);
  t.equal(kernel.openSockets, 1);
  const pending = netlink.do(commands.GET, { id: 1 });
  netlink.close();
  await t.rejects(pending, { code: 'ERR_CLOSED' });
  await new Promise(setImmediate);
  t.equal(kernel.openSockets, 0);
  await t.rejects(netlink.resolve('FAMILY'), { code: 'ERR_CLOSED' });
});
