// SPDX-License-Identifier: MIT
import t, { type Test } from 'tap';
import { type Codec, str, u32 } from '../../src/netlink/codec.ts';
import { genlHeader } from '../../src/netlink/genetlink.ts';
import { attrs } from '../../src/netlink/schema.ts';
import { inetDiagMessage } from '../../src/netlink/uapi/inet-diag.ts';
import { controller, errorMessage, NETLINK_SOCK_DIAG, NLM_F_MULTI } from '../../src/netlink/uapi/netlink.ts';
import { addressAttributes, addressMessage } from '../../src/netlink/uapi/rtnetlink.ts';
import { lgrSmcd, lgrV2Common, smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import {
  AF_SMC,
  SOCK_DIAG_BY_FAMILY,
  smcDiagAttributes,
  smcDiagMessage,
} from '../../src/netlink/uapi/smc-diag.ts';
import { AF_INET } from '../../src/netlink/uapi/socket.ts';
import { player } from '../../src/recording/player.ts';
import { Redactor } from '../../src/recording/pseudonyms.ts';
import { recorder } from '../../src/recording/recorder.ts';
import type { Recording } from '../../src/recording/recording.ts';
import { redactRecording } from '../../src/recording/redaction.ts';
import { SmcClient } from '../../src/smc/client.ts';
import type { SmcSocket } from '../../src/smc/sockets.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';

const hostRoot = t.testdir({ proc: { net: { protocols: 'protocol size sockets\nSMC 1 3\nTCP 1 1\n' } } });
const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

type Ask<T> = (client: SmcClient) => Promise<T>;

async function asking<T>(transport: ConstructorParameters<typeof SmcClient>[0], ask: Ask<T>): Promise<T> {
  const client = new SmcClient({ ...transport, hostRoot });
  try {
    return await ask(client);
  } finally {
    client.close();
  }
}

const allReplies = ({ exchanges }: Recording): string =>
  exchanges.flatMap(({ replies }) => replies).join(' ');

/**
 * Asks a kernel, redacts what was recorded, and asserts that nothing is left of some texts in hexadecimal.
 * @returns the answers before and after
 */
async function redacted<T>(
  t: Test,
  kernel: FakeKernel,
  secrets: readonly string[],
  ask: Ask<T>,
): Promise<{ before: T; after: T; left: string }> {
  const { transport, recording } = recorder(kernel, { kernel: '6.12' });
  const before = await asking({ transport }, ask);
  const { recording: other, dropped } = redactRecording(recording, new Redactor());
  t.equal(dropped, 0);
  for (const secret of secrets) {
    t.ok(allReplies(recording).includes(secret), `${secret} was there`);
    t.notOk(allReplies(other).includes(secret), `${secret} is not left`);
  }
  return { before, after: await asking({ transport: player(other) }, ask), left: allReplies(other) };
}

const listSockets: Ask<SmcSocket[]> = async (client) => {
  const found: SmcSocket[] = [];
  for await (const socket of client.sockets({ connection: true, link: true, dmb: true })) found.push(socket);
  return found;
};

for (const order of ['LE', 'BE'] as const) {
  t.test(`${order}: attributes that are not declared are blank`, async (t) => {
    const newer = attrs('LGR_SMCD', {
      ...lgrSmcd.fields,
      v2Common: [9, attrs('V2_COMMON', { ...lgrV2Common.fields, site: [77, str(40)] })],
      owner: [99, str(40)],
    });
    const reply = attrs('GEN', { lgrSmcd: [4, newer, 'required'], more: [88, str(40)] });
    const { GET_LGR_SMCD } = smcGenNetlink;
    const kernel = new FakeKernel(order).serve(
      { ...smcGenNetlink, GET_LGR_SMCD: { ...GET_LGR_SMCD, reply } },
      {
        GET_DEV_SMCD: () => [],
        GET_LGR_SMCD: () => [
          {
            lgrSmcd: {
              id: 0x100,
              gid: 0x5244e083631af99en,
              peerGid: 0x5244e083631af99fn,
              pnetId: 'NET1',
              connsNum: 3,
              v2Common: {
                version: 2,
                negotiatedEid: 'MY.EID',
                peerHost: 'peer.site',
                site: 'secret-in-a-nest',
              },
              owner: 'very-secret-host',
            },
            more: 'secret-beside',
          },
        ],
      },
    );
    const secrets = ['very-secret-host', 'secret-in-a-nest', 'secret-beside', 'MY.EID', 'peer.site'].map(hex);
    const gids = ['5244e083631af99e', '9ef91a6383e04452'].slice(order === 'LE' ? 1 : 0).slice(0, 1);
    const { before, after, left } = await redacted(t, kernel, [...secrets, ...gids], (client) =>
      client.smcdLinkGroups(),
    );
    const [group] = before.groups;
    t.strictSame(after, {
      ...before,
      groups: [
        {
          ...group,
          gid: 0xfeed_0000_0000_0001n,
          peerGid: 0xfeed_0000_0000_0002n,
          v2: { ...group?.v2, eid: 'EID1XX', peerHost: 'host1xxxx' },
        },
      ],
    });
    t.ok(left.includes(hex('NET1')), 'what is declared and no secret is kept');
  });

  t.test(`${order}: bytes after what is declared are blank`, async (t) => {
    const kernel = new FakeKernel(order);
    const padded = (codec: Codec<unknown>, value: object, more: string): Buffer =>
      Buffer.concat([codec.encode(value as never, order), Buffer.from(more)]);
    const address = (last: number): Uint8Array => Uint8Array.of(10, 9, 8, last, ...new Uint8Array(12));
    const id = {
      sourcePort: 80,
      destinationPort: 4000,
      source: address(7),
      destination: address(1),
      interface: 1,
      cookieLow: 1,
      cookieHigh: 0,
    };
    const link = smcDiagAttributes.fields.link[1].encode(
      {
        linkId: 1,
        ibName: 'mlx5_0',
        ibPort: 1,
        gid: '0000:0000:0000:0000:0000:ffff:0a09:0807',
        peerGid: 'fe80:0000:0000:0000:9a03:9bff:feab:cdef',
        role: 0,
      },
      order,
    );
    link.write('after-name', 10, 'latin1'); // behind the NUL of ibName
    const attribute = (type: number, data: Buffer): Buffer => {
      const out = Buffer.alloc((4 + data.length + 3) & ~3, '~');
      u32
        .encode(order === 'LE' ? (type << 16) | (4 + data.length) : ((4 + data.length) << 16) | type, order)
        .copy(out);
      data.copy(out, 4);
      return out;
    };
    kernel.raw = (request, protocol) => {
      if (protocol !== NETLINK_SOCK_DIAG) return undefined;
      const isSmc = request.data[request.offset] === AF_SMC;
      const message = { family: AF_INET, state: 1, mode: 0, shutdown: 0, id, uid: 0, inode: 1n };
      const payload = isSmc
        ? Buffer.concat([
            smcDiagMessage.encode(message, order),
            attribute(2, Buffer.concat([link, Buffer.from('after-link')])),
            attribute(3, Buffer.of(0)),
            attribute(99, Buffer.from('unknown-attribute')),
          ])
        : padded(inetDiagMessage, { ...message, timer: 0, retransmits: 0 }, 'after-inet-message');
      const done = kernel.message(request, Buffer.from('\0\0\0\0after-done'), 3, NLM_F_MULTI);
      return [kernel.message(request, payload, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI), done];
    };
    const secrets = [
      'after-name',
      'after-link',
      'unknown-attribute',
      '~~~',
      'after-done',
      '0a09:0807',
      '9bff:feab',
    ];
    const { before, after } = await redacted(
      t,
      kernel,
      [...secrets.map(hex), '0a090807', '0a090801'],
      listSockets,
    );
    const expected = before.map((socket) => ({
      ...socket,
      local: { address: '240.1.0.1', port: 80 },
      peer: { address: '240.1.0.2', port: 4000 },
    }));
    t.match(
      after,
      expected.map(({ local, peer, state }) => ({ local, peer, state })),
    );
    t.match(
      JSON.stringify(after, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
      /mlx5_0/,
    );
  });
}

t.test('the addresses and names of interfaces', async (t) => {
  const kernel = new FakeKernel();
  const reply = attrs('IFA', { ...addressAttributes.fields, label: [3, str(15)], other: [4, str(3)] });
  kernel.raw = (request, protocol) => {
    if (protocol !== 0) return undefined;
    const row = addressMessage.encode(
      { family: AF_INET, prefixLength: 24, flags: 0x80, scope: 0, index: 1 },
      kernel.order,
    );
    const bytes = Uint8Array.of(10, 9, 8, 7);
    const attributes = reply.encode(
      { address: bytes, local: bytes, label: 'bobs:0', other: '\n\x09\x08' },
      kernel.order,
    );
    return [kernel.message(request, Buffer.concat([row, attributes]), 20, NLM_F_MULTI), kernel.done(request)];
  };
  const { after } = await redacted(t, kernel, ['0a090807', '0a090800', hex('bobs')], (client) =>
    client.interfaceAddresses(),
  );
  t.match(after, [{ address: '240.1.0.1', prefixLength: 24 }]);
});

t.test('errors keep their number and nothing more', async (t) => {
  const kernel = new FakeKernel();
  kernel.raw = (request) => {
    const { order } = kernel;
    const message = { size: 16, type: request.type, flags: 0, sequence: request.sequence, portId: 0 };
    const error = errorMessage.encode({ error: -1, message }, order);
    return [kernel.message(request, Buffer.concat([error, Buffer.from('and-a-text')]), 2)];
  };
  const { before, after } = await redacted(t, kernel, [hex('and-a-text')], async (client) => {
    const error = await client.families().catch((error: unknown) => error);
    return (error as Error).message;
  });
  t.match(before, 'EPERM');
  t.equal(after, before);
});

t.test('damaged replies', async (t) => {
  const kernel = new FakeKernel().serve(smcPnetid, {
    GET: () => [{ name: 'NET1', ethName: 'eth0', ibName: 'n/a', ibPort: 255 }],
  });
  const { transport, recording } = recorder(kernel, { kernel: '6.12' });
  await asking({ transport }, (client) => client.pnet.list());
  const table = recording.exchanges[1]!;
  const [reply = ''] = table.replies;
  const size = genlHeader.size * 2;
  for (const [what, damaged] of Object.entries({
    'cut off': reply.slice(0, -16),
    'no message': '00ff',
    'a size that is too large': `ffff${reply.slice(4)}`,
    'an attribute that is too large': `${reply.slice(0, 32 + size)}ffff${reply.slice(36 + size)}`,
    'a secret in place of an integer': reply.replace(/0500(0[45]00)/, '0800$1'),
  })) {
    const exchanges = [recording.exchanges[0]!, { ...table, replies: [damaged] }];
    const { recording: other } = redactRecording({ ...recording, exchanges }, new Redactor());
    await t.rejects(
      asking({ transport: player(other) }, (client) => client.pnet.list()),
      { code: 'ERR_MALFORMED' },
      what,
    );
  }
});

t.test('what there is no rule for is left out', async (t) => {
  const kernel = new FakeKernel().serve(smcPnetid, { GET: () => [] });
  const { transport, recording } = recorder(kernel, { kernel: '6.12' });
  await asking({ transport }, (client) => client.pnet.list());
  for (const exchange of recording.exchanges) exchange.protocol = 9;
  t.equal(redactRecording(recording, new Redactor()).dropped, 1, 'the empty table says nothing');
});

t.test('each text and each address is marked, or known to be harmless', async (t) => {
  // a new field that can hold a name or an address fails here until somebody has decided what it is
  const harmless: string[] = [];
  const look = (path: string, codec: Codec<unknown>): void => {
    const { secret, fields, element, members, parts } = codec as Partial<{
      secret: string;
      fields: Record<string, readonly [number, Codec<unknown>]>;
      element: Codec<unknown>;
      members: Record<string, Codec<unknown>>;
      parts: Codec<unknown>[];
    }> &
      Codec<unknown>;
    for (const [key, field] of Object.entries(fields ?? {})) look(`${path}.${key}`, field[1]);
    if (element) look(`${path}[]`, element);
    for (const [key, member] of Object.entries(members ?? {})) look(`${path}.${key}`, member);
    for (const part of parts ?? []) look(path, part);
    const isNumber = /^(?:u8|s?u?(?:16|32)(?:be)?|uint)$/.test(codec.name);
    if (!fields && !element && !members && !parts && !isNumber && secret === undefined) harmless.push(path);
  };
  const replies = Object.entries(smcGenNetlink).map(([name, { reply }]) => [name, reply] as const);
  for (const [name, codec] of [
    ...replies,
    ...Object.entries(smcPnetid).map(([name, { reply }]) => [name, reply] as const),
    ...Object.entries({
      controller,
      smcDiagMessage,
      smcDiagAttributes,
      inetDiagMessage,
      addressMessage,
      addressAttributes,
    }),
  ])
    look(name, codec as Codec<unknown>);
  const names = harmless
    .filter((path) => !/^GET_(?:FBACK_)?STATS\./.test(path))
    .map((path) => path.split('.').at(-1)!);
  t.strictSame([...new Set(names)].sort(), [
    'ethName',
    'familyName',
    'ibDev',
    'ibName',
    'inode',
    'name', // a PNET ID
    'netCookie',
    'pciId',
    'peerToken',
    'pnetId',
    'token',
  ]);
});
