// SPDX-License-Identifier: MIT
import t from 'tap';
import { wrapperEffect } from '../../src/host/wrappers.ts';

const effect = (line: string) => {
  const argv = line.split(' ');
  return wrapperEffect(argv[0]!, argv, '/bin');
};

t.test('wrappers that become their program', async (t) => {
  for (const [line, program] of [
    ['nohup prog -x', 'prog -x'],
    ['nohup -- prog', 'prog'],
    ['nice prog', 'prog'],
    ['nice -n 5 prog', 'prog'],
    ['nice -n5 prog', 'prog'],
    ['nice --adjustment=5 prog a', 'prog a'],
    ['nice --adjustment 5 prog a', 'prog a'],
    ['setsid -w prog', 'prog'],
    ['timeout 5 prog', 'prog'],
    ['timeout -k 1 -s INT 5 prog 7', 'prog 7'],
    ['timeout --foreground --signal=TERM 5s prog', 'prog'],
    ['stdbuf -o0 -e L prog', 'prog'],
    ['ionice -c 2 -n 0 prog', 'prog'],
    ['taskset 0x1 prog', 'prog'],
    ['chrt -f 10 prog', 'prog'],
    ['env prog x', 'prog x'],
    ['env A=1 B= prog', 'prog'],
    ['env -u A -- prog', 'prog'],
    ['env -uA --unset=B --unset C prog', 'prog'],
    ['env -v -S prog x y', 'prog x y'],
    ['env -Sprog x', 'prog x'],
    ['env --split-string=prog x', 'prog x'],
  ] as const)
    t.strictSame(effect(line), { kind: 'starts', argv: program.split(' '), path: '/bin', wipes: null }, line);
  t.strictSame(wrapperEffect('env', ['env', '-S', `a "b c" 'd'e`, 'f'], '/bin'), {
    kind: 'starts',
    argv: ['a', 'b c', 'de', 'f'],
    path: '/bin',
    wipes: null,
  });
});

t.test('what becomes of PATH and LD_PRELOAD', async (t) => {
  for (const [line, path, wipes] of [
    ['env PATH=/x prog', '/x', null],
    ['env -u PATH prog', undefined, null],
    ['env -i prog', undefined, 'env -i'],
    ['env -iv prog', undefined, 'env -i'],
    ['env -i PATH=/x prog', '/x', 'env -i'],
    ['env - prog', undefined, 'env -'],
    ['env --ignore-environment prog', undefined, 'env --ignore-environment'],
    ['env -u LD_PRELOAD prog', '/bin', 'env -u LD_PRELOAD'],
    ['env -iS prog', undefined, 'env -i'],
    ['env LD_PRELOAD=x prog', '/bin', 'env LD_PRELOAD='],
  ] as const)
    t.strictSame(effect(line), { kind: 'starts', argv: ['prog'], path, wipes }, line);
});

t.test('wrappers that are not followed', async (t) => {
  for (const [line, by] of [
    ['sudo -u postgres prog', 'sudo'],
    ['doas prog', 'doas'],
    ['podman run image', 'podman'],
    ['su - user', 'su -'],
    ['su user -l', 'su -l'],
    ['runuser --login user', 'runuser --login'],
    ['pg_ctlcluster 15 main start', 'pg_ctlcluster'],
  ] as const)
    t.strictSame(effect(line), { kind: 'wipes', by }, line);
  for (const name of ['docker', 'snap', 'systemd-run', 'systemctl'])
    t.strictSame(effect(`${name} run x`), { kind: 'elsewhere', by: name });
});

t.test('everything else', async (t) => {
  for (const line of [
    'curl http://x',
    'su user',
    'runuser -u user prog',
    'env',
    'env A=1',
    'env -C / prog',
    'env -S $X',
    'env -u',
    'nice',
    'timeout 5',
    'nohup --help',
    'constructor x',
  ])
    t.equal(effect(line), undefined, line);
});
