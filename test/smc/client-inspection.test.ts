// SPDX-License-Identifier: MIT
// What the client makes of the kernel's answers: every call against every errno, and the shape of what comes back.
import t from 'tap';
import { SmcClient } from '../../src/smc/client.ts';
import { linkGroupOf } from '../../src/smc/link-groups.ts';
import {
  fails,
  ISM,
  inspectedKernel,
  LINK,
  ROCE,
  SMCD_GROUP,
  SMCR_GROUP,
} from '../helpers/inspected-kernel.ts';

type Calls = Record<
  string,
  readonly [commands: readonly string[], call: (client: SmcClient) => Promise<unknown>]
>;

const CALLS: Calls = {
  system: [['GET_SYS_INFO'], (client) => client.system()],
  smcdDevices: [['GET_DEV_SMCD'], (client) => client.smcdDevices()],
  smcrPorts: [['GET_DEV_SMCR'], (client) => client.smcrPorts()],
  smcdLinkGroups: [['GET_LGR_SMCD', 'GET_DEV_SMCD'], (client) => client.smcdLinkGroups()],
  smcrLinkGroups: [['GET_LINK_SMCR'], (client) => client.smcrLinkGroups()],
  statistics: [['GET_STATS', 'GET_FBACK_STATS'], (client) => client.statistics()],
  'ueids.list': [['DUMP_UEID'], (client) => client.ueids.list()],
  'ueids.add': [['ADD_UEID'], (client) => client.ueids.add('A')],
  'ueids.remove': [['REMOVE_UEID'], (client) => client.ueids.remove('A')],
  'ueids.flush': [['FLUSH_UEID', 'DUMP_SEID'], (client) => client.ueids.flush()],
  'seid.read': [['DUMP_SEID'], (client) => client.seid.read()],
  'seid.set(true)': [['ENABLE_SEID'], (client) => client.seid.set(true)],
  'seid.set(false)': [['DISABLE_SEID'], (client) => client.seid.set(false)],
  'handshakeLimit.isEnabled': [['DUMP_HS_LIMITATION'], (client) => client.handshakeLimit.isEnabled()],
  'handshakeLimit.set': [['DISABLE_HS_LIMITATION'], (client) => client.handshakeLimit.set(false)],
};

/** What the domain says itself; everything else is the kernel's own answer. */
const EXPLAINED: Record<string, string> = {
  'ADD_UEID EEXIST': 'EXISTS',
  'ADD_UEID ERANGE': 'FULL',
  'ADD_UEID EINVAL': 'INVALID',
  'REMOVE_UEID ENOENT': 'NOT_FOUND',
  'REMOVE_UEID EINVAL': 'NOT_FOUND',
  'ENABLE_SEID EOPNOTSUPP': 'NOT_SUPPORTED',
  'DISABLE_SEID EOPNOTSUPP': 'NOT_SUPPORTED',
  'DISABLE_SEID ENOENT': 'NOT_FOUND',
};

/** Told in one message, which the kernel makes up in any case. */
const SINGLE = ['GET_SYS_INFO', 'GET_STATS', 'DUMP_SEID', 'DUMP_HS_LIMITATION'];

async function withClient<T>(
  handlers: Parameters<typeof inspectedKernel>[0],
  body: (client: SmcClient) => Promise<T>,
): Promise<T> {
  const client = new SmcClient({ transport: inspectedKernel(handlers) });
  try {
    return await body(client);
  } finally {
    client.close();
  }
}

for (const [name, [commands, call]] of Object.entries(CALLS))
  t.test(name, async (t) => {
    const willing = Object.fromEntries(
      commands.filter((command) => !SINGLE.includes(command)).map((command) => [command, () => []]),
    );
    for (const command of commands)
      for (const code of ['EPERM', 'EOPNOTSUPP', 'ENOMEM', 'EEXIST', 'ERANGE', 'EINVAL', 'ENOENT', 'EIO']) {
        const handlers = { ...willing, [command]: fails(code) };
        await t.rejects(
          withClient(handlers, call),
          { code: EXPLAINED[`${command} ${code}`] ?? code },
          `${command} ${code}`,
        );
      }
    await t.resolves(withClient(willing, call).catch((error) => t.match(error, { code: 'NOT_SUPPORTED' })));
  });

t.test('without its one message an answer is incomplete', async (t) => {
  const missing = (command: string) => ({ code: 'ERR_MALFORMED', command, detail: 'it is empty' });
  const calls: [keyof typeof CALLS, string][] = [
    ['system', 'GET_SYS_INFO'],
    ['statistics', 'GET_STATS'],
    ['seid.read', 'DUMP_SEID'],
    ['ueids.flush', 'DUMP_SEID'],
    ['handshakeLimit.isEnabled', 'DUMP_HS_LIMITATION'],
  ];
  for (const [name, command] of calls)
    await t.rejects(withClient({ [command]: () => [] }, CALLS[name]![1]), missing(command), name);
});

t.test('a message without its subject is no row', async (t) => {
  const calls: [keyof typeof CALLS, string, object][] = [
    ['smcdLinkGroups', 'GET_LGR_SMCD', {}],
    ['smcdLinkGroups', 'GET_DEV_SMCD', {}],
    ['smcdLinkGroups', 'GET_DEV_SMCD', { devSmcd: { ...ISM, useCount: undefined } }],
    ['smcdDevices', 'GET_DEV_SMCD', {}],
    ['smcrPorts', 'GET_DEV_SMCR', {}],
    ['smcrPorts', 'GET_DEV_SMCR', { devSmcr: { ...ROCE, port: { state: 1 } } }],
    ['smcrLinkGroups', 'GET_LINK_SMCR', {}],
    ['smcrLinkGroups', 'GET_LINK_SMCR', { linkSmcr: LINK }],
    ['smcrLinkGroups', 'GET_LINK_SMCR', { lgrSmcr: SMCR_GROUP, linkSmcr: LINK }],
    ['statistics', 'GET_STATS', {}],
    ['statistics', 'GET_FBACK_STATS', {}],
    ['ueids.list', 'DUMP_UEID', {}],
    ['seid.read', 'DUMP_SEID', { entry: 'SEID' }],
    ['seid.read', 'DUMP_SEID', { enabled: 1 }],
    ['handshakeLimit.isEnabled', 'DUMP_HS_LIMITATION', {}],
    ['system', 'GET_SYS_INFO', {}],
  ];
  for (const [name, command, row] of calls)
    await t.rejects(
      withClient({ [command]: () => [row] }, CALLS[name]![1]),
      { name: 'NetlinkError', code: 'ERR_MALFORMED', command },
      `${command} ${Object.keys(row)}`,
    );
});

t.test('objects come back in words', async (t) => {
  await withClient({}, async (client) => {
    t.strictSame(await client.smcdDevices(), [
      {
        isCritical: true,
        pciFid: ISM.pciFid,
        pchid: ISM.pciChid,
        pciVendor: ISM.pciVendor,
        pciDevice: ISM.pciDevice,
        pciId: ISM.pciId,
        pnetId: 'NET1',
        isUserPnetId: false,
        linkGroups: ISM.useCount,
      },
    ]);
    t.match(await client.smcrPorts(), [
      {
        device: { ibName: ROCE.ibName, isCritical: true, pchid: ROCE.pciChid },
        number: 1,
        pnetId: 'NET1',
        isUserPnetId: false,
        interfaceIndex: 2,
        state: 'ACTIVE',
        links: 12,
      },
      { number: 2, pnetId: 'ABCDEFGHIJKLMNOP', isUserPnetId: true, state: 'INACTIVE' },
      { device: { ibName: 'rxelo', isCritical: false, pciId: undefined }, number: 1, pnetId: undefined },
    ]);
    const { groups, missing } = await client.smcdLinkGroups();
    t.strictSame(groups[0], {
      id: 0x100,
      vlanId: 5,
      connections: 9,
      pnetId: 'ABCDEFGHIJKLMNOP',
      version: 2,
      v2: { peerRelease: 1, peerHost: 'peer', peerOs: 2, eid: 'MY.EID' },
      sndbufBytes: 65_536n,
      gid: SMCD_GROUP.gid,
      extGid: 1n,
      peerGid: SMCD_GROUP.peerGid,
      peerExtGid: 0n,
      chid: 0xffffn,
      dmbBytes: 0x1_0000_0000n,
    });
    t.equal(missing, 0);
    const [first, second] = await client.smcrLinkGroups();
    t.match(first, {
      role: 'SERV',
      type: 'SYM',
      connections: 3,
      isDirect: true,
      maxConnections: 255,
      maxLinks: 2,
      bufferType: 'VIRTUAL',
      rmbBytes: 131_072n,
      netCookie: 1n,
    });
    t.strictSame(first?.links[0], {
      id: 1,
      ibDevice: LINK.ibDev,
      ibPort: 1,
      gid: LINK.gid,
      peerGid: LINK.peerGid,
      connections: 2,
      interfaceIndex: 2,
      uid: LINK.uid,
      peerUid: LINK.peerUid,
      state: 'LINK_ACTIVE',
    });
    t.match(second, {
      role: 'CLNT',
      type: '0x7?',
      pnetId: undefined,
      version: 1,
      v2: undefined,
      isDirect: undefined,
      bufferType: undefined,
      links: [],
    });
    t.equal((await client.statistics()).fallbacks.client.total, 5n);
    t.strictSame(await client.ueids.list(), ['MY.EID', 'B']);
    t.match(await client.seid.read(), { isEnabled: true });
    t.equal(await client.handshakeLimit.isEnabled(), true);
  });
});

t.test('names have no blanks around them, and a blank one is none', async (t) => {
  const v2Common = { version: 2, release: 1, negotiatedEid: '', peerHost: ' peer ' };
  const handlers = {
    GET_LGR_SMCD: () => [{ lgrSmcd: { id: 1, pnetId: 'NET1    ', v2Common } }, { lgrSmcd: { id: 2 } }],
    GET_DEV_SMCD: () => [
      { devSmcd: { useCount: 2, port: { pnetUser: 1, pnetId: ' NET1 ' } } },
      { devSmcd: { useCount: 0, port: { pnetUser: 1, pnetId: '   ' } } },
      { devSmcd: { useCount: 0 } },
    ],
    GET_DEV_SMCR: () => [
      { devSmcr: { ibName: 'a', port: { valid: 1, pnetUser: 1, pnetId: 'NET1  ', netDev: 0, state: 9 } } },
    ],
  };
  await withClient(handlers, async (client) => {
    const [named, unnamed] = (await client.smcdLinkGroups()).groups;
    t.match(named, { pnetId: 'NET1', v2: { peerHost: 'peer', eid: undefined } });
    t.match(unnamed, { pnetId: undefined, v2: undefined, version: 1 });
    t.match(await client.smcdDevices(), [
      { pnetId: 'NET1', isUserPnetId: true, isCritical: undefined },
      { pnetId: undefined, isUserPnetId: false },
      { pnetId: undefined, isUserPnetId: false },
    ]);
    t.match(await client.smcrPorts(), [
      { pnetId: 'NET1', isUserPnetId: true, interfaceIndex: undefined, state: '0x9?', links: undefined },
    ]);
  });
});

t.test('the uid of a link names its group', async (t) => {
  t.equal(linkGroupOf(0x101), 0x100);
  t.equal(linkGroupOf(0xffff_ff01), 0xffff_ff00);
});
