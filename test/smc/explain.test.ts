// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import t from 'tap';
import { errnoName } from '../../src/netlink/errno.ts';
import { type LocalCode, NetlinkError, type NetlinkOperation } from '../../src/netlink/error.ts';
import { SmcError } from '../../src/smc/error.ts';
import { explain, whyNotSeen } from '../../src/smc/explain.ts';

const OPS: NetlinkOperation[] = [
  'load netlink addon',
  'open socket',
  'send',
  'receive',
  'decode',
  'resolve family',
  'request',
  'dump',
];
const LOCAL_CODES: LocalCode[] = [
  'ERR_TIMEOUT',
  'ERR_CLOSED',
  'ERR_TRUNCATED',
  'ERR_OVERRUN',
  'ERR_MALFORMED',
  'ERR_INTERRUPTED',
  'ERR_NO_ADDON',
  'ERR_NOT_RECORDED',
  'ERR_UNKNOWN',
];
const CODES = [
  'EPERM',
  'EACCES',
  'ENOENT',
  'ENODEV',
  'EBUSY',
  'EEXIST',
  'EINVAL',
  'ERANGE',
  'ENOMEM',
  'ENOBUFS',
  'EMSGSIZE',
  'EOPNOTSUPP',
  'EPROTONOSUPPORT',
  'ECONNREFUSED',
  'ENODATA',
  'E524',
  // errnos that look like a condition of the client
  'ETIMEDOUT',
  'ECONNRESET',
  ...LOCAL_CODES,
];

t.test('every op and code gives one line without holes', async (t) => {
  for (const op of OPS)
    for (const code of CODES)
      for (const object of [{}, { family: 'SMC_PNETID' }, { family: 'SMC_PNETID', command: 'ADD' }]) {
        const explanation = explain(
          new NetlinkError({ op, code, ...object, cause: new Error('inner\nlines') }),
        );
        const line = `${explanation?.text}; ${explanation?.hint ?? ''}`;
        const isFine = explanation && !/\n|undefined|\[object|^;/.test(line) && !/\.$/.test(explanation.text);
        if (!isFine) t.fail(`${op} ${code}: ${line}`);
      }
  t.pass(`${OPS.length} × ${CODES.length}`);
});

t.test('words', async (t) => {
  const text = (fields: Partial<ConstructorParameters<typeof NetlinkError>[0]>): string => {
    const object = { op: 'request', code: 'EIO', family: 'SMC_PNETID', command: 'ADD' } as const;
    const { text, hint } = explain(new NetlinkError({ ...object, ...fields }))!;
    return hint ? `${text}; ${hint}` : text;
  };
  t.match(text({ code: 'EPERM' }), /^permission denied; .*CAP_NET_ADMIN/);
  t.match(
    text({ code: 'ERR_NO_ADDON', op: 'load netlink addon' }),
    /^the netlink addon cannot be loaded \(.*netlink\.node.*\); install .* C\+\+ compiler, then: node .*build\.mjs$/,
  );
  t.equal(
    text({ code: 'ERR_TIMEOUT', detail: 'no answer within 30 ms' }),
    'the kernel did not answer SMC_PNETID ADD (no answer within 30 ms); try again; see the kernel log',
  );
  t.match(
    text({ code: 'ERR_MALFORMED', op: 'decode', detail: 'LGR.id (attribute 1) is missing' }),
    ['reply to SMC_PNETID ADD cannot be read: LGR.id (attribute 1) is missing'][0]!,
  );
  t.match(text({ code: 'ERR_TRUNCATED', detail: 'a datagram of 40000 bytes' }), '40000 bytes');
  t.match(text({ code: 'ERR_OVERRUN' }), 'the kernel lost a part of it');
  t.match(text({ code: 'EOPNOTSUPP' }), /does not know the command SMC_PNETID ADD; a newer kernel/);
  t.match(text({ code: 'ERR_INTERRUPTED' }), /kept changing .*try again/);
  t.match(text({ code: 'ENOMEM' }), 'enough memory');
  t.match(text({ code: 'EPROTONOSUPPORT', op: 'open socket' }), /cannot be opened \(EPROTONOSUPPORT\)/);
  t.match(text({ code: 'ENOENT', family: 'SOCK_DIAG', command: 'SMC sockets' }), /modprobe smc_diag/);
  t.equal(
    text({ code: 'EINVAL', kernelMessage: 'Unknown attribute type' }),
    'SMC_PNETID ADD: EINVAL (Unknown attribute type)',
  );
});

t.test('the same in a few words, for lists', async (t) => {
  const netlink = (code: string, op: NetlinkOperation = 'request') =>
    whyNotSeen(new NetlinkError({ op, code, family: 'SMC_PNETID', command: 'GET' }));
  t.strictSame(
    ['EACCES', 'EOPNOTSUPP', 'ERR_NOT_RECORDED', 'ERR_TIMEOUT', 'ERR_OVERRUN', 'EBUSY', 'ENOMEM'].map(
      (code) => netlink(code),
    ),
    [
      'SMC_PNETID GET: permission denied',
      'this kernel does not know SMC_PNETID GET',
      'SMC_PNETID GET: not in the recording',
      'SMC_PNETID GET: no answer',
      'SMC_PNETID GET: the reply cannot be read',
      'SMC_PNETID GET: EBUSY',
      'SMC_PNETID GET: ENOMEM',
    ],
  );
  t.equal(netlink('ENOMEM', 'open socket'), 'a netlink socket cannot be opened (ENOMEM)');
  t.equal(whyNotSeen(new SmcError('NO_SMC', 'there is none', { hint: 'load it' })), 'there is none');
  const file = { code: 'ENOENT', syscall: 'open', path: '/proc/x' };
  t.equal(whyNotSeen(Object.assign(new Error(), file)), '/proc/x: not found');
  t.equal(whyNotSeen(Object.assign(new Error(), { code: 'EIO', syscall: 'read' })), 'read: EIO');
  t.equal(
    whyNotSeen(new NetlinkError({ op: 'load netlink addon', code: 'ERR_NO_ADDON' })),
    'the netlink addon cannot be loaded',
  );
  t.throws(() => whyNotSeen(new TypeError('a bug')), new TypeError('a bug'));
});

t.test('a request that is not in a recording is said to be that', async (t) => {
  const error = new NetlinkError({
    op: 'send',
    code: 'ERR_NOT_RECORDED',
    family: 'A',
    command: 'B',
  });
  t.equal(explain(error)?.text, "the bundle does not contain the kernel's answer to A B");
});

t.test('an errno of the kernel is never taken for a condition of the client', async (t) => {
  const names = Object.keys(constants.errno);
  t.ok(names.includes('ETIMEDOUT'));
  for (const code of LOCAL_CODES) t.notOk(names.includes(code), code);
  const error = new NetlinkError({
    op: 'request',
    code: errnoName(constants.errno.ETIMEDOUT),
    errno: constants.errno.ETIMEDOUT,
    family: 'SMC_PNETID',
    command: 'ADD',
  });
  t.strictSame(explain(error), { text: 'SMC_PNETID ADD: ETIMEDOUT' });
});

t.test('failures of the domain speak for themselves', async (t) => {
  t.strictSame(explain(new SmcError('EXISTS', 'it is there', { hint: 'remove it' })), {
    text: 'it is there',
    hint: 'remove it',
  });
  t.strictSame(explain(new SmcError('EXISTS', 'it is there')), { text: 'it is there', hint: undefined });
});

t.test('failures of files', async (t) => {
  const of = (body: () => void): unknown => {
    try {
      body();
    } catch (error) {
      return error;
    }
    return undefined;
  };
  t.strictSame(explain(of(() => readFileSync('/no/such/file'))), {
    text: '/no/such/file: no such file or directory',
  });
  t.strictSame(explain(of(() => readFileSync('/'))), { text: 'is a directory' });
  t.strictSame(explain(Object.assign(new Error(), { code: 'EXYZ', syscall: 'write' })), {
    text: 'write failed (EXYZ)',
  });
});

t.test('anything else is a bug and is not explained', async (t) => {
  for (const error of [new TypeError('x'), new Error('x'), undefined, null, 'text', 1, { code: 'EPERM' }])
    t.equal(explain(error), undefined);
});
