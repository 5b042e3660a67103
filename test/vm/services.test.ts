// SPDX-License-Identifier: MIT
// Services over SMC-R, started by a real systemd: what --enable adds is enough, and --disable leaves no trace.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { long } from '../helpers/long.ts';
import { waitUntil } from '../helpers/wait.ts';
import { projectDirectory } from './guest.ts';
import {
  bootWithSuite,
  OVER_SMC,
  on,
  setUpAllOfSmcR,
  sockets,
  waitForListener,
  waitForOutput,
} from './suite.ts';
import { startSystemd } from './systemd.ts';

/** The path where npm installs the package for root. */
const INSTALLED = '/usr/local/lib/node_modules/smc-tools';

/** Sandbox settings as packages use them. */
const TIGHT = `DynamicUser=yes
RuntimeDirectory=tight
ProtectHome=yes
ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
NoExecPaths=/
`;

const UNITS: Record<string, string> = {
  'plain.service': '[Service]\nEnvironment=KEPT=1\nExecStart=/usr/bin/iperf3 -s -p 7301\n',
  'tight.service': `[Service]
Environment="LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libm.so.6" KEPT=1
ExecStart=/usr/bin/iperf3 -s -p 7302 -I /run/tight/pid
ExecPaths=/usr/bin/iperf3 /usr/lib /lib /lib64
${TIGHT}`,
  // an ambient capability for a user other than root does not stop the loader from preloading
  'ambient@.service': `[Service]
User=nobody
AmbientCapabilities=CAP_NET_BIND_SERVICE
ExecStart=/usr/bin/iperf3 -s -p %i
`,
  'static.service': `[Service]
Type=notify
ExecStart=-/srv/static-echo 7304
${TIGHT}ExecPaths=/srv/static-echo
`,
  'sock.service': '[Service]\nExecStart=/usr/bin/iperf3 -s -p 7305\n',
  'sock.socket': '[Socket]\nListenStream=7306\n',
};

mkdirSync(join(projectDirectory, 'build'), { recursive: true });
execFileSync('cc', ['-static', '-o', 'build/static-echo', 'test/vm/programs/static-echo.c'], {
  cwd: projectDirectory,
});

t.test('services of a real systemd', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12' });
  t.teardown(() => guest.close());
  await setUpAllOfSmcR(guest);
  await guest.run(
    `mkdir -p ${INSTALLED} /srv
    cp -r bin dist package.json native ${INSTALLED}
    chown -R 0:0 ${INSTALLED}
    cp build/static-echo /srv/`,
    { check: true },
  );
  const inside = await startSystemd(guest);
  for (const [name, text] of Object.entries(UNITS))
    await guest.writeFile(`/etc/systemd/system/${name}`, text);
  await inside('ln -s plain.service /etc/systemd/system/other.service; systemctl daemon-reload', {
    check: true,
  });
  const smcRun = (words: string, from = INSTALLED) => inside(`${from}/bin/smc_run.js ${words}`);
  const tree = async () =>
    (await guest.run('cd /etc && find . -print | sort && find systemd -type f | sort | xargs cksum')).stdout;
  const before = await tree();

  /** Modes of the connections of a service while a client is there. */
  const modes = async (port: number): Promise<(string | null)[]> => {
    const client = await guest.start(`exec ${OVER_SMC} python3 test/vm/programs/hold-connection.py ${port}`);
    await waitForOutput(client, 'the connection', (text) => text.includes('connected'));
    // the client is connected a moment before the server's end is more than INIT
    const found = await waitUntil('both ends of the connection', async () => {
      const all = await sockets(guest);
      return all.every(({ state }) => state !== 'INIT') && on(port, all);
    });
    client.kill();
    await client.wait();
    return found
      .filter(({ local, state }) => local.port === port && state === 'ACTIVE')
      .map(({ mode }) => mode);
  };
  const start = async (unit: string, port: number): Promise<void> => {
    await inside(`systemctl restart ${unit}`, { check: true });
    await waitForListener(guest, port);
  };

  await t.test('a plain one, by its alias', async (t) => {
    const shown = await smcRun('--enable other --dry-run');
    t.match(shown.stdout, /^\+Environment=LD_PRELOAD=\/usr\/local\/lib\/node_modules\/.*\.so$/m);
    t.match(shown.stderr, /other\.service is an alias of plain\.service/);
    t.equal(await tree(), before, 'a dry run writes nothing');
    t.equal((await smcRun('--status plain')).status, 3);

    const enabled = await smcRun('--enable plain');
    t.equal(enabled.stdout, shown.stdout, 'it does what the dry run showed');
    t.notMatch(enabled.stderr, /daemon-reload/, 'systemd has been told');
    await start('plain', 7301);
    t.strictSame(await modes(7301), ['SMCR']);
    const environment = await inside("tr '\\0' '\\n' <\"/proc/$(systemctl show -P MainPID plain)/environ\"");
    t.match(environment.stdout, /^KEPT=1$/m);
    t.match((await smcRun('--status plain')).stdout, /enabled, 1 of 1 processes converted/);
    const again = await smcRun('--enable plain');
    t.same([again.status, again.stdout], [0, '']);
    t.match(again.stderr, /enabled already/);
  });

  await t.test('one in a tight sandbox', async (t) => {
    const { stdout } = await smcRun('--enable tight');
    t.match(stdout, /^\+RestrictAddressFamilies=AF_SMC$/m);
    t.match(stdout, /^\+ExecPaths=/m);
    await start('tight', 7302);
    t.strictSame(await modes(7302), ['SMCR']);
  });

  // in every run, test/commands/ has the lines for it
  await long(t, 'the same with the package in a place that it cannot see', async (t) => {
    await inside(`cp -r ${INSTALLED} /root/hidden`, { check: true });
    const { stdout } = await smcRun('--enable tight', '/root/hidden');
    t.match(stdout, /^\+BindReadOnlyPaths=-\/root\/hidden\/.*:\/run\/smc-tools\/libsmc-preload\.so$/m);
    await start('tight', 7302);
    t.strictSame(await modes(7302), ['SMCR']);
  });

  await t.test('an instance, with a capability', async (t) => {
    t.equal((await smcRun('--enable ambient@7303')).status, 0);
    await start('ambient@7303', 7303);
    t.strictSame(await modes(7303), ['SMCR']);
  });

  await t.test('a static program, under the launcher', async (t) => {
    const { stdout } = await smcRun('--enable static');
    t.match(
      stdout,
      /^\+ExecStart=$\n(\+#.*\n)?\+ExecStart=-.*smc-launch .* -- \/srv\/static-echo \/srv\/static-echo 7304$/m,
    );
    await start('static', 7304);
    t.strictSame(await modes(7304), ['SMCR']);
    t.match((await smcRun('--status static')).stdout, /enabled, 1 of 1 processes converted/);
  });

  await t.test('what can be said only', async (t) => {
    t.match(
      (await smcRun('--enable sock --dry-run')).stderr,
      /sock\.socket makes systemd itself listen on 7306/,
    );
    t.match(await smcRun('--enable sock.socket'), {
      status: 1,
      stderr: /is a socket, which starts no program/,
    });
    t.match(await smcRun('--enable nosuch'), { status: 1, stderr: /there is no unit nosuch\.service/ });
    t.match(await smcRun('--disable plain --enable plain'), { status: 1, stderr: /exclude each other/ });
    const open = await inside(`${INSTALLED}/bin/smc_run.js --enable sock`, { user: 'nobody' });
    t.equal(open.status, 1);
    await inside(`cp -r ${INSTALLED} /srv/theirs; chown -R nobody /srv/theirs`, { check: true });
    t.match(await smcRun('--enable sock', '/srv/theirs'), { status: 1, stderr: /belongs to user/ });
  });

  await t.test('all is as it was after --disable', async (t) => {
    await inside('echo "# mine" >>/etc/systemd/system/tight.service.d/zz-smc.conf', { check: true });
    t.match(await smcRun('--disable tight'), { status: 1, stderr: /was changed by hand/ });
    await inside("sed -i '$d' /etc/systemd/system/tight.service.d/zz-smc.conf", { check: true });
    for (const unit of ['plain', 'tight', 'ambient@7303', 'static'])
      t.equal((await smcRun(`--disable ${unit}`)).status, 0, unit);
    t.equal(await tree(), before);
    await start('plain', 7301);
    t.strictSame(await modes(7301), [], 'it listens on TCP again');
    t.equal((await smcRun('--status')).stdout, '');
  });

  // in every run, deb.test.ts has what is done before a removal, and test/bin/smc_exporter.test.ts sockets of systemd
  await long(t, 'the units of smc_exporter, as packages have them', async (t) => {
    await guest.run(
      `ln -s ${INSTALLED}/bin/smc_exporter /usr/bin/smc_exporter
      cp systemd/smc_exporter.* /usr/lib/systemd/system/
      cp scripts/after-update.sh scripts/before-removal.sh /srv/`,
      { check: true },
    );
    await inside('systemctl daemon-reload', { check: true });
    const active = async () =>
      (await inside('systemctl is-active smc_exporter.socket smc_exporter.service')).stdout;

    await inside('systemctl enable --now smc_exporter.service', { check: true });
    await waitForListener(guest, 10043);
    await inside('systemctl stop smc_exporter.service', { check: true });
    t.equal((await inside('systemctl is-failed smc_exporter.service')).stdout, 'inactive\n', 'it ends well');

    await inside('systemctl enable --now smc_exporter.socket', { check: true });
    t.equal(await active(), 'active\ninactive\n');
    const { stdout, stderr } = await guest.run('curl -sS http://127.0.0.1:10043/metrics');
    t.match(stdout, /^smc_pnet_entries\{kind="device"\} 1$/m, `netlink works in the sandbox ${stderr}`);
    t.notMatch(stdout, /^smc_scrape_collector_success\{.*\} 0$/m, 'and so does every collector');
    t.equal(await active(), 'active\nactive\n', 'the request has started it');
    const pid = async () => (await inside('systemctl show -P MainPID smc_exporter')).stdout;
    const first = await pid();
    const status = await inside(`cat /proc/${first.trim()}/status`);
    t.match(status.stdout, /^CapBnd:\t0+$/m, 'it has no privilege');
    t.match(status.stdout, /^Uid:\t[1-9]/m, 'and a user of its own');
    await inside('sh /srv/after-update.sh', { check: true });
    t.not(await pid(), first, 'an update starts the new version');

    // as prerm and %preun call it
    const removal = await inside('sh /srv/before-removal.sh');
    t.equal(removal.status, 0, removal.stderr);
    t.equal(await active(), 'inactive\ninactive\n');
    t.equal((await guest.run('find /etc/systemd -name "smc_exporter*"')).stdout, '');
    await inside('rm /usr/lib/systemd/system/smc_exporter.* /usr/bin/smc_exporter; systemctl daemon-reload', {
      check: true,
    });
  });
});
