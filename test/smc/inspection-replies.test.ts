// SPDX-License-Identifier: MIT
// Replies as real kernels send them, byte for byte, and as newer ones may: unknown attributes, wide integers.
import t from 'tap';
import type { ByteOrder } from '../../src/netlink/codec.ts';
import { smcGenNetlink } from '../../src/netlink/uapi/smc.ts';

/** An attribute: id, then bytes in hexadecimal or further attributes. */
type Raw = readonly [id: number, content: string | readonly Raw[]];

function encode(attributes: readonly Raw[], order: ByteOrder): Buffer {
  return Buffer.concat(
    attributes.map(([id, content]) => {
      const data = typeof content === 'string' ? Buffer.from(content, 'hex') : encode(content, order);
      const header = Buffer.alloc(4);
      const type = typeof content === 'string' ? id : id | 0x8000;
      header[order === 'LE' ? 'writeUInt16LE' : 'writeUInt16BE'](4 + data.length, 0);
      header[order === 'LE' ? 'writeUInt16LE' : 'writeUInt16BE'](type, 2);
      return Buffer.concat([header, data, Buffer.alloc(-data.length & 3)]);
    }),
  );
}

function decode(
  command: keyof typeof smcGenNetlink,
  attributes: readonly Raw[],
  order: ByteOrder = 'LE',
): unknown {
  const data = encode(attributes, order);
  return smcGenNetlink[command].reply.decode(data, 0, data.length, order);
}

const text = (value: string, width = 0): string => Buffer.from(`${value.padEnd(width)}\0`).toString('hex');

t.test('SMC-R link group, 6.12', async (t) => {
  const group: Raw[] = [
    [1, '00010000'],
    [6, '01000000'],
    [2, '01'],
    [3, '01'],
    [11, '00'],
    [5, '00'],
    [9, '0100000000000000'],
    [4, text('NET1')],
    [12, '00000100'],
    [13, '0000000001000000'], // NLA_UINT of eight bytes
    [
      7,
      [
        [0, '02'],
        [1, '01'],
        [2, '02'],
        [3, text('', 32)],
        [4, text('TEST', 32)],
      ],
    ],
    [
      8,
      [
        [1, '01'],
        [2, 'ff'],
        [3, '02'],
      ],
    ],
    [99, 'deadbeef'], // of a future kernel
  ];
  t.strictSame(decode('GET_LINK_SMCR', [[2, group]]), {
    lgrSmcr: {
      id: 0x100,
      connsNum: 1,
      role: 1,
      type: 1,
      bufType: 0,
      vlanId: 0,
      netCookie: 1n,
      pnetId: 'NET1',
      sndbufAlloc: 65_536n,
      rmbAlloc: 0x1_0000_0000n,
      v2Common: { version: 2, release: 1, peerOs: 2, negotiatedEid: '', peerHost: 'TEST' },
      v2: { direct: 1, maxConns: 255, maxLinks: 2 },
    },
  });
});

t.test('link: uids are big-endian on every host', async (t) => {
  for (const [order, number] of [
    ['LE', '02000000'],
    ['BE', '00000002'],
  ] as const)
    t.strictSame(
      decode(
        'GET_LINK_SMCR',
        [
          [
            3,
            [
              [1, '01'],
              [6, number],
              [8, '00000101'],
              [9, '00000000'],
              [10, number],
            ],
          ],
        ],
        order,
      ),
      { linkSmcr: { id: 1, connCnt: 2, uid: 0x101, peerUid: 0, state: 2 } },
      order,
    );
});

t.test('SMC-D link group: the channel id is wider than the header says', async (t) => {
  const withChid = (chid: string) =>
    decode('GET_LGR_SMCD', [
      [
        4,
        [
          [1, '00010000'],
          [2, '9ef91a6383e04452'],
          [10, '94cbeffcc9c8d462'],
          [8, ''],
          [7, chid],
        ],
      ],
    ]);
  const expected = {
    lgrSmcd: { id: 0x100, gid: 0x5244e083631af99en, extGid: 0x62d4c8c9fcefcb94n, chid: 0xffffn },
  };
  t.strictSame(withChid('ffff0000'), expected);
  t.strictSame(withChid('ffff'), expected);
});

t.test('soft-RoCE device: no PCI attributes', async (t) => {
  const port: Raw[] = [
    [1, '01'],
    [2, text('NET1')],
    [3, '04000000'],
    [5, '01'],
    [4, '01'],
    [6, '00000000'],
  ];
  t.strictSame(
    decode('GET_DEV_SMCR', [
      [
        6,
        [
          [2, '00'],
          [10, text('rxe0')],
          [8, port],
        ],
      ],
    ]),
    {
      devSmcr: {
        isCritical: 0,
        ibName: 'rxe0',
        port: { pnetUser: 1, pnetId: 'NET1', netDev: 4, state: 1, valid: 1, linkCount: 0 },
      },
    },
  );
});

t.test('fallback statistics', async (t) => {
  t.strictSame(
    decode('GET_FBACK_STATS', [
      [
        8,
        [
          [1, '01'],
          [2, '0400000000000000'],
          [3, '0400000000000000'],
          [4, '00000005'],
          [5, '0400'],
        ],
      ],
    ]),
    {
      fallback: { type: 1, serverTotal: 4n, clientTotal: 4n, reasonCode: 0x05000000, reasonCount: 4 },
    },
  );
});

t.test('a UEID request is 32 characters and a NUL', async (t) => {
  const data = smcGenNetlink.ADD_UEID.request.encode({ entry: 'MY.EID' }, 'LE');
  t.equal(data.toString('hex'), `25000100${Buffer.from('MY.EID'.padEnd(32)).toString('hex')}00000000`);
});
