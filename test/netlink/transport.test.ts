// SPDX-License-Identifier: MIT
/** The addon and the kernel of this machine; only what every Linux has. */
import t from 'tap';
import { NetlinkError } from '../../src/netlink/error.ts';
import { GenericNetlink } from '../../src/netlink/genetlink.ts';
import { kernelTransport } from '../../src/netlink/transport.ts';
import { GENL_ID_CTRL } from '../../src/netlink/uapi/netlink.ts';

t.test('the running kernel', async (t) => {
  let netlink: GenericNetlink;
  try {
    netlink = await GenericNetlink.open();
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return t.pass(`there is no netlink here: ${error.message}`);
  }
  t.teardown(() => netlink.close());
  const controller = await netlink.resolve('nlctrl');
  t.equal(controller.id, GENL_ID_CTRL);
  t.ok(
    controller.operations.some(({ id }) => id === 3),
    'GETFAMILY is among its commands',
  );
  await t.rejects(netlink.resolve('NO_SUCH_FAMILY'), { op: 'resolve family', code: 'ENOENT', errno: 2 });
});

t.test('a protocol that does not exist', async (t) => {
  await t.rejects(kernelTransport.open(31), { name: 'NetlinkError', op: 'open socket' });
});
