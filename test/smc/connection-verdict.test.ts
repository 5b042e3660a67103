// SPDX-License-Identifier: MIT
import t from 'tap';
import {
  connectionVerdict,
  fallbackVerdict,
  reasonText,
  versionText,
} from '../../src/smc/connection-verdict.ts';
import type { SmcdLinkGroup, SmcrLink, SmcrLinkGroup } from '../../src/smc/link-groups.ts';
import { MODE_SMCD, MODE_SMCR, MODE_TCP, type SmcSocket, STATE_INIT } from '../../src/smc/sockets.ts';

const ACTIVE = 1;

function socket(mode: number, attributes: SmcSocket['attributes'] = {}, state = ACTIVE): SmcSocket {
  return {
    family: 43,
    state,
    mode,
    id: { interface: 0, cookieLow: 1, cookieHigh: 0 },
    uid: 0,
    inode: 1n,
    attributes,
    addressFamily: 'ipv4',
    local: { address: '10.0.0.1', port: 1 },
    peer: { address: '10.0.0.2', port: 2 },
  };
}

const V2 = { peerRelease: 1, peerOs: 2, eid: 'MY.EID', peerHost: 'peer' };
const LINK: SmcrLink = {
  id: 1,
  ibDevice: 'rxe0',
  ibPort: 1,
  gid: 'aaaa',
  peerGid: 'bbbb',
  connections: 1,
  interfaceIndex: 2,
  uid: 0x101,
  peerUid: 0x101,
  state: 'LINK_ACTIVE',
};
const GROUP: SmcrLinkGroup = {
  id: 0x100,
  role: 'CLNT',
  type: 'SINGLE',
  pnetId: 'NET1',
  vlanId: 0,
  connections: 1,
  version: 2,
  v2: V2,
  sndbufBytes: undefined,
  isDirect: true,
  maxConnections: undefined,
  maxLinks: undefined,
  netCookie: 1n,
  bufferType: 'PHYSICAL',
  rmbBytes: undefined,
  links: [LINK],
};
const link = { linkId: 1, ibName: 'rxe0', ibPort: 1, gid: 'aaaa', peerGid: 'bbbb', role: 0 };

t.test('a socket without a connection has no verdict', async (t) => {
  t.equal(connectionVerdict(socket(MODE_SMCR, {}, STATE_INIT)), undefined);
});

t.test('SMC-R', async (t) => {
  const groups: SmcrLinkGroup[] = [
    GROUP,
    { ...GROUP, id: 0x200, role: 'SERV' },
    { ...GROUP, id: 0x300, links: [{ ...LINK, peerGid: 'cccc' }] },
    { ...GROUP, id: 0x400, links: [{ ...LINK, ibPort: 2 }] },
    { ...GROUP, id: 0x500, links: [{ ...LINK, id: 2 }] },
    { ...GROUP, id: 0x600, links: [{ ...LINK, ibDevice: 'rxe1' }] },
    { ...GROUP, id: 0x700, links: [{ ...LINK, gid: 'cccc' }] },
  ];
  const verdict = connectionVerdict(socket(MODE_SMCR, { link }), { smcr: groups, smcd: [] });
  t.strictSame(verdict, {
    mode: 'SMC-R',
    device: { ibDevice: 'rxe0', ibPort: 1, gid: 'aaaa', peerGid: 'bbbb' },
    linkGroup: {
      id: 0x100,
      version: 2,
      release: 1,
      eid: 'MY.EID',
      pnetId: 'NET1',
      peerHost: 'peer',
    },
    reason: null,
    peerDiagnosis: null,
    cause: null,
    declinedBy: null,
  });
  const server = connectionVerdict(socket(MODE_SMCR, { link: { ...link, role: 1 } }), {
    smcr: groups,
    smcd: [],
  });
  t.equal(server?.linkGroup?.id, 0x200, 'on one host both ends have the same link but not the same group');
  const second = connectionVerdict(socket(MODE_SMCR, { link }), {
    smcr: [...groups, { ...GROUP, id: 0x800 }],
    smcd: [],
  });
  t.equal(second?.linkGroup?.id, 0x800, 'the youngest of equal ones');

  const version1 = connectionVerdict(socket(MODE_SMCR, { link }), {
    smcr: [{ ...GROUP, version: 1, v2: undefined, pnetId: undefined }],
    smcd: [],
  });
  t.match(version1?.linkGroup, { version: 1, release: undefined, eid: undefined, pnetId: undefined });

  t.strictSame(connectionVerdict(socket(MODE_SMCR, { link }))?.linkGroup, null, 'the group has gone');
  t.strictSame(connectionVerdict(socket(MODE_SMCR))?.device, null, 'the link was not told');
});

t.test('SMC-D', async (t) => {
  const dmb = {
    linkId: 0x100,
    peerGid: 0x5244e083631af99en,
    myGid: 1n,
    token: 1n,
    peerToken: 2n,
    peerGidExt: 0n,
    myGidExt: 0n,
  };
  const group: SmcdLinkGroup = {
    id: 0x100,
    gid: 1n,
    peerGid: 2n,
    vlanId: 0,
    connections: 1,
    pnetId: undefined,
    chid: 0xffffn,
    version: 2,
    v2: { peerRelease: 1, peerHost: undefined, peerOs: undefined, eid: undefined },
    extGid: 0n,
    peerExtGid: 0n,
    sndbufBytes: 0n,
    dmbBytes: 0n,
  };
  const of = (smcd: SmcdLinkGroup[]) => connectionVerdict(socket(MODE_SMCD, { dmb }), { smcr: [], smcd });
  t.match(of([{ ...group, gid: 7n }, group]), {
    mode: 'SMC-D',
    device: { ibDevice: undefined, gid: '0000000000000001', peerGid: '5244e083631af99e' },
    linkGroup: { id: 0x100, version: 2, release: 1, eid: undefined, peerHost: undefined },
    declinedBy: null,
  });
  t.match(of([])?.linkGroup, { id: 0x100, version: undefined }, 'the id is known in any case');
  t.equal(connectionVerdict(socket(MODE_SMCD))?.linkGroup, null);
});

t.test('TCP: which side said no, and the reason that counts', async (t) => {
  const of = (reason: number, peerDiagnosis: number) => {
    const { mode, ...verdict } = connectionVerdict(
      socket(MODE_TCP, { fallback: { reason, peerDiagnosis } }),
    )!;
    t.equal(mode, 'TCP');
    t.match(verdict, fallbackVerdict(reason, peerDiagnosis));
    return verdict;
  };
  t.match(of(0x05000000, 0x03030008), {
    declinedBy: 'the peer',
    reason: { code: 0x05000000, reason: { name: 'PEERDECL' } },
    peerDiagnosis: { code: 0x03030008 },
    cause: { code: 0x03030008, reason: { name: 'NOUEID' } },
  });
  t.match(of(0x05000000, 0), { declinedBy: 'the peer', peerDiagnosis: null, cause: { code: 0x05000000 } });
  t.match(of(0x03030000, 0), { declinedBy: 'this host', cause: { reason: { name: 'NOSMCDEV' } } });
  t.match(of(0x03010000, 0), { declinedBy: 'nobody', cause: { reason: { name: 'PEERNOSMC' } } });
  t.match(of(0x05000000, 0x77777777), { cause: { code: 0x77777777, reason: undefined } });
  t.match(of(0, 0), { declinedBy: 'nobody', cause: null });
  t.match(connectionVerdict(socket(MODE_TCP)), { declinedBy: 'nobody', reason: null, cause: null });
});

t.test('words', async (t) => {
  t.equal(
    reasonText(fallbackVerdict(0x03030008, 0).cause!),
    '0x03030008 NOUEID: the client offered no enterprise ID',
  );
  t.equal(
    reasonText({ code: 0x1234, reason: undefined }),
    '0x00001234 not a Linux code; the peer may run another system',
  );
  const group = { id: 1, eid: undefined, pnetId: undefined, peerHost: undefined };
  t.equal(versionText({ ...group, version: 2, release: 1 }), '2.1');
  t.equal(versionText({ ...group, version: 2, release: 0 }), '2.0');
  t.equal(versionText({ ...group, version: 2, release: undefined }), '2');
  t.equal(versionText({ ...group, version: 1, release: undefined }), '1');
  t.equal(versionText({ ...group, version: undefined, release: undefined }), undefined);
});
