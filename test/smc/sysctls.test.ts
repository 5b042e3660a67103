// SPDX-License-Identifier: MIT
// What it means that the kernel refuses a setting; what takes a value otherwise is in test/commands/smcd.test.ts.
import t from 'tap';
import { refusal, SYSCTLS, setSysctl } from '../../src/smc/sysctls.ts';

const why = (name: string, value: string, code: string): string | undefined => {
  const spec = SYSCTLS.find((candidate) => candidate.name === name)!;
  const error = refusal(spec, value, Object.assign(new Error(code), { code }));
  return error && [error.message, error.hint].filter(Boolean).join('; ');
};

t.test('refused by the kernel', async (t) => {
  t.equal(
    why('smcr_testlink_time', '8589935', 'EINVAL'),
    "the kernel does not accept '8589935' for smcr_testlink_time; smcr_testlink_time must be 0 to 2147483647 / HZ seconds, 8589934 where HZ is 250",
  );
  t.equal(why('wmem', '20000', 'EINVAL'), "the kernel does not accept '20000' for wmem");
  t.equal(
    why('hs_ctrl', 'mine', 'EINVAL'),
    "there is no BPF program 'mine' for handshakes; register it: bpftool struct_ops register FILE",
  );
  t.equal(
    why('hs_ctrl', 'mine', 'EBUSY'),
    "the BPF program 'mine' is being removed; register it: bpftool struct_ops register FILE",
  );
  t.equal(why('wmem', '20000', 'EBUSY'), undefined);
  t.equal(why('hs_ctrl', 'mine', 'EACCES'), undefined);
});

t.test('the library takes sizes, too', async (t) => {
  const root = t.testdir({ proc: { sys: { net: { smc: { wmem: '65536\n' } } } } });
  t.equal(setSysctl('wmem', '256k', root).value, '262144');
  t.throws(() => setSysctl('wmem', '', root), /'' is not a valid size/);
});
