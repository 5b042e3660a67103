// SPDX-License-Identifier: MIT
/** schemas/, the types in src/documents/ and what commands print describe the same JSON. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { schemas as generate } from '../scripts/schemas.ts';
import { type Tested, testedJson } from '../src/commands/smc_chk/connection-test.ts';
import { smcd } from '../src/commands/smcd/command.ts';
import { smcr } from '../src/commands/smcr/command.ts';
import { stringify } from '../src/output/json.ts';
import type { HostCheck } from '../src/smc/checks/index.ts';
import { fallbackReasons, PEERDECL } from '../src/smc/fallback-reasons.ts';
import { emptyKernel, inspectedKernel } from './helpers/inspected-kernel.ts';
import { runCommand } from './helpers/run-command.ts';
import { schemas, validate } from './helpers/schemas.ts';
import type { Expected } from './vm/record-fixtures.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
};

t.test('the files are made of the types', async (t) => {
  const expected = generate();
  t.strictSame(readdirSync(join(root, 'schemas')).sort(), [...expected.keys()].sort(), 'npm run schemas');
  for (const [file, text] of expected)
    t.equal(readFileSync(join(root, 'schemas', file), 'utf8'), text, `${file}: npm run schemas`);
});

t.test('every command has a schema', async (t) => {
  const titles = [...schemas.keys()];
  for (const name of Object.keys(bin))
    t.ok(
      titles.some((title) => title.split(' ')[0] === name),
      name,
    );
});

t.test('what real kernels made the commands print', async (t) => {
  const scenes = readdirSync(join(root, 'test/fixtures'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('expected.json'),
  );
  let count = 0;
  for (const file of scenes) {
    const { runs } = JSON.parse(readFileSync(join(root, 'test/fixtures', file), 'utf8')) as Expected;
    for (const { argv, stdout } of runs) {
      if (!/^\s*\{/.test(stdout)) continue;
      t.strictSame(validate(argv, stdout), [], `${file}: ${argv.join(' ')}`);
      count++;
    }
  }
  t.ok(count > 40, `${count} documents`);
});

t.test('what kernels with everything and with nothing make smcd and smcr print', async (t) => {
  const hostRoot = t.testdir({ proc: { sys: { net: { smc: { wmem: '65536\n' } } } } });
  for (const kernel of [inspectedKernel, emptyKernel])
    for (const command of [smcd, smcr])
      for (const argv of [
        '-j info',
        '-j device',
        '-j linkgroup',
        '-j linkgroup link-show',
        '-j stats',
        'stats json',
        '-j stats --interval 0.1 --count 1',
        '-j ueid',
        '-j seid',
        '-j hs-limit',
        '-j sysctl',
      ]) {
        if (command === smcr && argv.includes('seid')) continue;
        const { stdout } = await runCommand(command, argv, { transport: kernel(), hostRoot });
        t.strictSame(validate(`${command.name} ${argv}`, stdout), [], `${command.name} ${argv}`);
      }
});

t.test('what smc_chk makes of connections, which it can have in a guest only', async (t) => {
  const end = { address: '192.0.2.1', port: 37_373 };
  const none = { device: null, linkGroup: null, reason: null, peerDiagnosis: null, cause: null };
  const reason = (code: number) => ({ code, reason: fallbackReasons.get(code) });
  const check = { id: 'module', subject: 'smc', status: 'fail', finding: '', reason: '', fix: '', facts: {} };
  const cases: Pick<Tested, 'verdict' | 'likely'>[] = [
    {
      verdict: {
        ...none,
        mode: 'SMC-R',
        declinedBy: null,
        device: { ibDevice: 'rxe0', ibPort: 1, gid: 'fe80::1', peerGid: 'fe80::2' },
        linkGroup: { id: 0x100, version: 2, release: 1, eid: 'EID', pnetId: 'NET1', peerHost: 'b' },
      },
      likely: null,
    },
    {
      verdict: {
        ...none,
        mode: 'TCP',
        declinedBy: 'the peer',
        reason: reason(PEERDECL),
        peerDiagnosis: reason(0x03030000),
        cause: reason(0x0999abcd),
      },
      likely: { at: 'this host', text: '', fix: '', checks: [check as HostCheck] },
    },
    { verdict: null, likely: { at: 'unknown', text: '', fix: null, checks: [] } },
  ];
  for (const one of cases) {
    // by way of text, as 64-bit numbers and what is undefined go
    const connection = JSON.parse(
      stringify(testedJson({ role: 'Client', local: end, peer: end, ...one })),
    ) as object;
    t.strictSame(validate('smc_chk -jS', { event: 'connection', error: null, ...connection }), []);
    const target = { host: 'a', port: 1 };
    const addresses = [{ address: '192.0.2.1', error: null }];
    t.strictSame(validate('smc_chk -jC a', { target, addresses, connection, error: null }), []);
    const interfaces = [{ interface: 'eth0', static: null, connection, error: null }];
    t.strictSame(validate('smc_chk -jl', { interfaces }), []);
  }
});

t.test('every object is closed, and has all its fields but for errors and what an option adds', async (t) => {
  const look = (title: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const inner of Object.values(value)) look(title, inner);
    const { properties, required = [], additionalProperties } = value as Record<string, object>;
    if (!properties || Array.isArray(properties)) return;
    t.equal(additionalProperties, false, title);
    const optional = Object.keys(properties).filter((name) => !(required as string[]).includes(name));
    for (const name of optional.filter((name) => name !== 'error'))
      t.match(properties[name as keyof object], { description: /present with `-/ }, `${title}: ${name}`);
  };
  // a file of the user's, in which almost everything may be missing
  for (const schema of schemas.values()) if (schema.title !== 'smc.yaml') look(schema.title, schema);
});

t.test('a field too many, one too few, and a wrong one', async (t) => {
  const entry = { pnet_id: 'NET1', kind: 'ethernet', interface: 'lo', ib_device: null, ib_port: null };
  t.strictSame(validate('smc_pnet -j', { pnet_table: [entry] }), []);
  t.match(validate('smc_pnet -j', { pnet_table: [{ ...entry, more: 1 }] }), [/additional properties/]);
  t.match(validate('smc_pnet -j', { pnet_table: [{ ...entry, kind: 'wire', interface: 7 }] }), [
    /kind must be equal to one of the allowed values/,
    /interface must be string/,
  ]);
  t.match(validate('smc_pnet -j', {}), [/required property 'pnet_table'/]);
  t.match(validate('smc_pnot -j', {}), [/no schema/]);
});
