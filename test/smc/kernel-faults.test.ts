// SPDX-License-Identifier: MIT
import t from 'tap';
import { parseKernelVersion } from '../../src/host/kernel-version.ts';
import {
  DUMP_OF_NEW_SOCKETS,
  DUMP_OF_SMCD,
  DUMP_OF_SMCR,
  ENTRY_OF_UPPER_INTERFACE,
  effectText,
  faultsOf,
  hasFault,
  KERNEL_FAULTS,
  type KernelFault,
  OTHER_NAMESPACE,
  releaseWithFixes,
} from '../../src/smc/kernel-faults.ts';

const version = (release: string) => parseKernelVersion({ release })!;
const has = (release: string, fault: KernelFault): boolean | undefined => hasFault(version(release), fault);
const named = (name: string): KernelFault => KERNEL_FAULTS.find((fault) => fault.name === name)!;

t.test('series that have got the fix', async (t) => {
  for (const [fault, release, expected] of [
    [DUMP_OF_SMCD, '6.1.75', true],
    [DUMP_OF_SMCD, '6.1.76', false],
    [DUMP_OF_SMCD, '6.1.76-rc1', undefined],
    [DUMP_OF_SMCD, '6.6.14', true],
    [DUMP_OF_SMCD, '6.6.15', false],
    [DUMP_OF_SMCR, '6.1.71', true],
    [DUMP_OF_SMCR, '6.1.72', false],
    [DUMP_OF_NEW_SOCKETS, '6.12.55', true],
    [DUMP_OF_NEW_SOCKETS, '6.12.56', false],
    [named('peek'), '6.1.128', true],
    [named('peek'), '6.1.129', false],
    [named('peek'), '6.12.12', true],
    [named('peek'), '6.12.13', false],
    [named('late-decline'), '6.1.64', true],
    [named('late-decline'), '6.1.65', false],
    [named('proposal-length'), '6.1.158', true],
    [named('proposal-length'), '6.12.58', true],
    [named('proposal-length'), '6.12.59', false],
    [named('ipproto-type-confusion'), '6.12.39', true],
    [named('ipproto-type-confusion'), '6.12.40', false],
    [named('lost-writability'), '6.1.121', true],
    [named('lost-writability'), '6.12.6', true],
    [named('lost-writability'), '6.12.7', false],
    [named('splice'), '6.1.182', true],
    [named('splice'), '6.12.103', true],
    [named('splice'), '6.12.104', false],
    [named('socket-option-hang'), '6.1.175', true],
    [named('socket-option-hang'), '6.12.93', true],
    [named('socket-option-hang'), '6.12.94', false],
    [named('reserved-bits'), '6.1.150', true],
    [named('reserved-bits'), '6.12.45', true],
    [named('reserved-bits'), '6.12.46', false],
    [ENTRY_OF_UPPER_INTERFACE, '6.1.140', true],
    [ENTRY_OF_UPPER_INTERFACE, '6.12.30', true],
    [ENTRY_OF_UPPER_INTERFACE, '6.12.31', false],
    [OTHER_NAMESPACE, '6.1.59', true],
    [OTHER_NAMESPACE, '6.1.60', false],
  ] as const)
    t.equal(has(release, fault), expected, `${fault.name} ${release}`);
});

t.test('releases of Linux', async (t) => {
  t.equal(has('6.8', DUMP_OF_SMCD), false);
  t.equal(has('6.8-rc2', DUMP_OF_SMCD), undefined, 'a candidate of the release with the fix');
  t.equal(has('7.0.3', DUMP_OF_SMCD), false);
  t.equal(has('6.17.3', DUMP_OF_NEW_SOCKETS), undefined, 'it may have come to the series that was alive');
  t.equal(has('6.16.3', DUMP_OF_NEW_SOCKETS), undefined);
  t.equal(has('6.15.3', DUMP_OF_NEW_SOCKETS), true, 'a series that had ended');
  t.equal(has('6.10.9', DUMP_OF_NEW_SOCKETS), false, 'before the fault');
  t.equal(has('6.0.5', named('peek')), true);
  t.equal(has('5.19.5', DUMP_OF_SMCD), true, '5.19 is before 6.0');
  for (const release of ['5.15.150', '5.10.200', '6.6.80', '5.4.1'])
    t.equal(has(release, named('peek')), undefined, `${release}: a longterm series that nothing is known of`);
  for (const release of ['7.2.1', '7.0.1', '6.18.9', '6.13.1'])
    t.equal(has(release, named('splice')), undefined, `${release}: where it came from is not known exactly`);
  t.equal(has('7.3.0', named('splice')), false);
});

t.test('where the release does not tell', async (t) => {
  t.equal(has('6.1.0-56-amd64', named('peek')), undefined);
  t.equal(has('6.8.0-45-generic', named('peek')), true, 'whichever of that series');
  t.equal(has('6.14.0-24-generic', named('peek')), false);
  for (const release of [
    '5.14.0-570.el9.s390x',
    '6.12.0-55.9.1.el10_0.x86_64',
    '6.4.0-150600.23.22-default',
    '5.10.134-17.2.al8.x86_64',
  ])
    t.strictSame(faultsOf(version(release)), [], `${release}: no claim`);
  t.equal(has('6.12.0-55.9.1.el10_0.x86_64', DUMP_OF_SMCD), false, 'what was there from the beginning');
  t.equal(has('6.1.80-1.al4.x86_64', DUMP_OF_SMCD), false, 'at least');
});

t.test('what is said', async (t) => {
  t.equal(effectText(named('peek')), named('peek').effect);
  t.match(effectText(DUMP_OF_SMCD), / \(CVE-2024-26615\)$/);
  const faults = faultsOf(version('6.12.40'));
  t.strictSame(
    faults.map(({ name }) => name),
    ['dump-of-new-sockets', 'socket-option-hang', 'splice', 'proposal-length', 'reserved-bits'],
  );
  t.equal(releaseWithFixes(version('6.12.40'), faults), 'Linux 6.12.104');
  t.equal(releaseWithFixes(version('6.9.3'), [named('peek'), named('lost-writability')]), 'Linux 6.14');
  t.strictSame(faultsOf(version('6.12.117')), []);
  t.strictSame(
    faultsOf(
      parseKernelVersion({ version: 'Linux version 6.1.0-56-amd64 (x) #1 SMP Debian 6.1.192-2 (2026)' })!,
    ),
    [],
  );
});

t.test('each entry is complete', async (t) => {
  const all = [...KERNEL_FAULTS, ENTRY_OF_UPPER_INTERFACE, OTHER_NAMESPACE];
  t.equal(new Set(all.map(({ name }) => name)).size, all.length);
  for (const { name, effect, cve, stable, mainline, introduced } of all) {
    t.match(name, /^[a-z]+(-[a-z]+)*$/);
    t.notMatch(effect, /^[A-Z](?!P)|\.$|;/, name);
    if (cve) t.match(cve, /^CVE-\d{4}-\d+$/, name);
    for (const series of [mainline, introduced ?? '1.0', ...Object.keys(stable)])
      t.match(series, /^\d\.\d+$/, name);
  }
});
