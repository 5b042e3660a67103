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
  OLD_SMCR_GROUP,
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
    const willing = Object.fromEntries(commands.map((command) => [command, () => []]));
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

t.test('objects come back as they were sent', async (t) => {
  await withClient({}, async (client) => {
    t.match(await client.smcdDevices(), [ISM]);
    t.match(await client.smcrPorts(), [
      { device: { ibName: ROCE.ibName }, number: 1, port: ROCE.port },
      { number: 2, port: ROCE.port2 },
      { device: { ibName: 'rxelo' }, number: 1 },
    ]);
    const { groups, missing } = await client.smcdLinkGroups();
    t.match(groups[0], SMCD_GROUP);
    t.equal(missing, 0);
    const [first, second] = await client.smcrLinkGroups();
    t.match(first, SMCR_GROUP);
    t.match(first?.links[0], LINK);
    t.match(second, { ...OLD_SMCR_GROUP, links: [] });
    t.equal((await client.statistics()).fallbacks.client.total, 5n);
    t.strictSame(await client.ueids.list(), ['MY.EID', 'B']);
    t.match(await client.seid.read(), { isEnabled: true });
    t.equal(await client.handshakeLimit.isEnabled(), true);
  });
});

t.test('the uid of a link names its group', async (t) => {
  t.equal(linkGroupOf(0x101), 0x100);
  t.equal(linkGroupOf(0xffff_ff01), 0xffff_ff00);
});
