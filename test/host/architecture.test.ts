// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import t from 'tap';
import { hostArchitecture, isMainframe, kernelRelease } from '../../src/host/architecture.ts';
import { plant, server } from '../helpers/host-trees.ts';

t.test('architecture and release are those of the tree', async (t) => {
  const x86 = plant(t, server);
  t.strictSame([hostArchitecture(x86), isMainframe(x86)], ['x86_64', false]);
  t.equal(kernelRelease(x86), '6.12.0-test');
  const other = plant(t, { 'proc/sys/kernel/arch': 's390x\n' });
  t.strictSame(
    [hostArchitecture(other), isMainframe(other), kernelRelease(other)],
    ['s390x', true, undefined],
  );
});

t.test('kernels before 6.1 do not tell: a channel subsystem gives a mainframe away', async (t) => {
  t.equal(hostArchitecture(plant(t, { 'sys/devices/css0/uevent': '' })), 's390x');
  t.equal(hostArchitecture(t.testdir({})), undefined, 'this machine has no say in a recorded tree');
});

t.test('the running host', async (t) => {
  t.equal(kernelRelease('/'), readFileSync('/proc/sys/kernel/osrelease', 'latin1').trim());
  t.match(hostArchitecture('/'), /^[a-z0-9_]+$/);
});
