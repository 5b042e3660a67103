// SPDX-License-Identifier: MIT
/**
 * `npm run test:fresh [-- --all] [SCENE…]`: what README promises a new user, on systems that are new: a Debian 13 from
 * debootstrap, and the same with the apt sources of an Ubuntu. What a chroot cannot show: another kernel of the host,
 * and Ubuntu's own packages. With --all, Debian 13 runs all fast tests.
 */
import { join } from 'node:path';
import { say, step } from '../../scripts/entry.mjs';
import { mirrorVariable } from '../vm/debian-sources.ts';
import { text } from '../vm/program.ts';
import { type Ended, FreshSystem, type RunOptions } from './chroot.ts';
import { ubuntuArchive, ubuntuRelease, ubuntuSources } from './ubuntu.ts';

const home = { cwd: '/home/user/smc-tools' };

let passed = 0;
let failed = 0;

/** Counts a result; what was seen is shown when it is wrong. */
function check(ok: boolean, what: string, { output }: Ended): void {
  if (ok) passed++;
  else failed++;
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${what}\n`);
  if (!ok) process.stdout.write(`${output.trimEnd().split('\n').slice(-40).join('\n')}\n`);
}

/** Runs a command of a user in a system, with progress. */
function run(system: FreshSystem, command: string, options: RunOptions = {}): Promise<Ended> {
  return step('fresh', command, (tell) => system.run(command, { ...home, ...options }, tell));
}

/** Checks that a command ends with status 1 and one last line, without a stack trace. */
function checkRefusal(what: string, ended: Ended, line: RegExp): void {
  const last = ended.output.trimEnd().split('\n').at(-1) ?? '';
  const hasTrace = /^ {4}at /m.test(ended.output);
  check(ended.status === 1 && line.test(last) && !hasTrace, `${what}: ${last}`, ended);
}

/** Runs the demo and checks that it has shown what it is to show. */
async function checkDemo(system: FreshSystem, what: string, options: RunOptions = {}): Promise<void> {
  const ended = await run(system, 'npm run demo', options);
  check(
    ended.status === 0 && /ACTIVE .* SMCR/.test(ended.output),
    `${what}: the demo shows mode SMCR`,
    ended,
  );
  for (const line of ended.output.match(
    /^(setup|vm|demo): .*(first run|to fetch|done in|MB).*$|^# done .*/gm,
  ) ?? [])
    process.stdout.write(`       ${line}\n`);
}

/** Runs tests and checks their sum. */
async function checkTests(system: FreshSystem, words: string): Promise<void> {
  const ended = await run(system, words);
  const last = ended.output.trimEnd().split('\n').at(-1) ?? '';
  check(ended.status === 0 && /^[1-9]\d* passed, 0 failed$/.test(last), `${words}: ${last}`, ended);
}

const scenes: Record<string, (system: FreshSystem, all: boolean) => Promise<void>> = {
  'debian-13': async (system, all) => {
    const user = await run(system, 'npm run demo', { user: 'user' });
    checkRefusal(
      'neither root nor sudo',
      user,
      /^demo: Debian packages are missing.*; run: sudo apt-get update && sudo apt-get install .*qemu-system-x86/,
    );
    await checkDemo(system, 'Debian 13');
    const again = await run(system, 'npm run demo');
    check(again.status === 0 && !/^setup: /m.test(again.output), 'a second demo sets nothing up', again);
    await checkTests(
      system,
      'npm test -- test/native/build.test.ts test/native/preload.test.ts test/native/launch.test.ts test/native/addon.test.ts',
    );
    const narrow = await run(system, 'ls dist/native/libsmc-preload-32.so');
    check(narrow.status === 0, 'the preload library for programs of 32 bits is there', narrow);
    if (all) await checkTests(system, 'npm run --silent test:fast');
  },

  install: async (system) => {
    const npm = 'npm pack && npm install -g ./smc-tools-*.tgz && smcss --version && smc_run true';
    const byNpm = await run(system, npm);
    check(byNpm.status === 0 && /^smcss utility, /m.test(byNpm.output), 'README, installation by npm', byNpm);
    const file = './build/smc-tools*.deb';
    const deb = `npm uninstall -g smc-tools && npm ci && npm run deb && apt-get -y install ${file} && smcss --version && smc_run true`;
    const byDeb = await run(system, deb);
    check(byDeb.status === 0 && /^smcss utility, /m.test(byDeb.output), 'README, Debian package', byDeb);
    const narrow = await run(system, `dpkg-deb --contents ${file} | grep libsmc-preload-32.so`);
    check(narrow.status === 0, 'the package has the library for programs of 32 bits', narrow);
  },

  'no-network': async (system) => {
    const ended = await run(system, 'npm run demo', { offline: true });
    checkRefusal('no network', ended, /^demo: npm ci \(.*\) failed: E[A-Z_]+: .*\(details: .*\)$/);
  },

  'no-apt': async (system) => {
    await system.run('rm /usr/bin/apt-get /usr/bin/apt-cache /usr/bin/dpkg-query');
    const ended = await run(system, 'npm run demo');
    checkRefusal('neither apt nor dpkg', ended, /^demo: this takes a machine with Debian or Ubuntu: /);
  },

  ubuntu: async (system) => {
    const archive = await ubuntuArchive(system);
    system.hide('/etc/apt/sources.list.d/debian.sources');
    await system.run('rm -f /etc/apt/sources.list.d/* && apt-get -y purge debian-archive-keyring');
    system.show(archive, '/srv/ubuntu');
    await system.writeFile('/etc/apt/sources.list.d/ubuntu.sources', ubuntuSources);
    await system.run('rm /etc/os-release');
    await system.writeFile('/etc/os-release', ubuntuRelease);

    const nowhere = { env: { [mirrorVariable]: 'http://127.0.0.1:9/debian' } };
    const ended = await run(system, 'npm run demo', nowhere);
    checkRefusal(
      'a mirror that does not answer',
      ended,
      /^demo: the kernels are Debian's, and Ubuntu 24\.04 cannot fetch the package lists of bookworm-backports \(.*\): run again with SMC_TOOLS_DEBIAN_MIRROR=URL, /,
    );
    const [, mirror = ''] =
      /^URIs: (\S+)/m.exec(await text('cat', [join(system.scratch, 'debian.sources')])) ?? [];
    await checkDemo(system, 'Ubuntu with a mirror in the variable', { env: { [mirrorVariable]: mirror } });
    await system.run('rm -r /root/.cache/smc-tools/vm');
    // what it names is another host than this machine may be able to reach
    const named = 'apt-get -y install python-apt-common && cd /usr/share/python-apt/templates';
    await system.run(`${named} && sed -i 's|^BaseURI: .*|BaseURI: ${mirror}|' [Dd]ebian.info`);
    await checkDemo(system, 'Ubuntu with what python-apt-common names');
  },
};

const words = process.argv.slice(2);
const names = words.filter((word) => word in scenes);
for (const name of names.length > 0 ? names : Object.keys(scenes)) {
  process.stdout.write(`# ${name}\n`);
  const system = await FreshSystem.make();
  try {
    await scenes[name]?.(system, words.includes('--all'));
  } finally {
    await system.remove();
  }
}
say('fresh', 'the fresh tree stays in the cache; the systems made of it are gone');
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
