// A guest for people: `npm run guest [-- [KERNEL] [--smcr] [-- COMMAND]]`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../../scripts/entry.mjs';
import {
  type Guest,
  type GuestProcess,
  type KernelName,
  kernelNames,
  projectDirectory,
  setUpSmcR,
} from './guest.ts';
import { step } from './progress.ts';
import { bootWithSuite, UEID } from './suite.ts';

const usage = `usage: npm run guest [-- [${kernelNames.join('|')}] [--smcr] [-- COMMAND]]

Boots a guest with a real SMC kernel (6.12 if none is given) on this machine's files, with the commands of the suite
on PATH, and opens a shell in it, or runs a command of sh there and ends with its status. What is changed in the guest
is gone at its end.

  --smcr   set SMC-R up first: an RDMA device in software, a PNET table, an enterprise ID
`;

/** How to get SMC-R by hand: what --smcr does. */
const smcrSetUp = [
  'rdma link add rxelo type rxe netdev lo',
  'smc_pnet -a NET1 -I lo -D rxelo',
  `smcd ueid add ${UEID}`,
];

async function main(args: string[]): Promise<number> {
  const separator = args.includes('--') ? args.indexOf('--') : args.length;
  const own = args.slice(0, separator);
  const [name = '6.12', ...others] = own.filter((word) => word !== '--smcr');
  const kernel = kernelNames.find((known) => known === name);
  const command = args.slice(separator + 1).join(' ');
  if (!kernel || others.length > 0) {
    process.stderr.write(usage);
    return 2;
  }
  const smcr = own.includes('--smcr');
  return command ? runCommand(kernel, smcr, command) : openShell(kernel, smcr);
}

/** Boots the guest, works in it, and closes it. */
async function withGuest(
  { kernel, smcr, terminal = false }: { kernel: KernelName; smcr: boolean; terminal?: boolean },
  work: (guest: Guest) => Promise<number>,
): Promise<number> {
  const guest = await step(`booting kernel ${kernel}`, () => bootWithSuite({ kernel, terminal }));
  try {
    await offerManPages(guest);
    if (smcr)
      await step('setting SMC-R up', async () => {
        const [, ...others] = smcrSetUp;
        await setUpSmcR(guest);
        for (const line of others) await guest.run(line, { check: true });
      });
    return await work(guest);
  } finally {
    await guest.close();
  }
}

/** Puts the man pages where man looks beside a directory of PATH. */
async function offerManPages(guest: Guest): Promise<void> {
  const { man } = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8')) as {
    man: string[];
  };
  const links = man.map((page) => `ln -sf "$PWD/${page}" /usr/local/share/man/man${page.at(-1)}/`);
  await guest.run(`mkdir -p /usr/local/share/man/man7 /usr/local/share/man/man8\n${links.join('\n')}`, {
    check: true,
  });
}

function runCommand(kernel: KernelName, smcr: boolean, command: string): Promise<number> {
  return withGuest({ kernel, smcr }, async (guest) => {
    const running = await guest.start(command, { cwd: process.cwd() });
    const { status, stdout, stderr } = await running.wait();
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    return status;
  });
}

/** What is said at the start of a shell. */
function welcome(kernel: KernelName, smcr: boolean): string {
  const loopback = kernel.endsWith('-smcd');
  const lines = [
    `Linux ${kernel} with SMC, on the files of this machine. What you change here is gone when you leave (exit).`,
    'All commands of smc-tools are on PATH, and so are their man pages: man smc-tools.',
    '',
    ...(smcr
      ? [`SMC-R is set up: RDMA device rxelo on lo, PNET ID NET1, enterprise ID ${UEID}.`]
      : loopback
        ? [
            'SMC-D has the device loopback-ism here; it takes an enterprise ID:',
            `  smcd ueid add ${UEID}`,
            'SMC-R takes more:',
            ...smcrSetUp.slice(0, 2).map((line) => `  ${line}`),
          ]
        : [
            'SMC-R takes an RDMA device, here one in software, and an enterprise ID:',
            ...smcrSetUp.map((line) => `  ${line}`),
          ]),
    '',
    'Try:',
    '  smc_chk                                 what this system has, and what it lacks',
    '  smc_run iperf3 -s -D                    a TCP program as a server, over SMC',
    '  smc_run --report iperf3 -c 127.0.0.1 -t 2    its client, and what became of the connections',
    '  smc_run iperf3 -c 127.0.0.1 -b 4M -t 60 >/tmp/out &    a slow one, to look at with:',
    '  smcss -a                                sockets: mode SMCR, SMCD or TCP, and why',
    '  smcr linkgroup                          what SMC-R has built for them',
    '',
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** What bash reads at its start. */
function startFile(kernel: KernelName, smcr: boolean): string {
  return `PS1='\\[\\e[1m\\]guest ${kernel}\\[\\e[0m\\] \\w \\$ '
HISTFILE=
[ -r /usr/share/bash-completion/bash_completion ] && . /usr/share/bash-completion/bash_completion
for f in '${join(projectDirectory, 'dist/completions/bash')}'/*; do [ -r "$f" ] && . "$f"; done
unset f
cat <<'END'
${welcome(kernel, smcr)}END
`;
}

function openShell(kernel: KernelName, smcr: boolean): Promise<number> {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY)
    throw new Problem('a shell takes a terminal; give a command instead: npm run guest -- 6.12 -- COMMAND');
  return withGuest({ kernel, smcr, terminal: true }, async (guest) => {
    const resize = () =>
      guest.run(`stty -F /dev/ttyS2 columns ${stdout.columns || 80} rows ${stdout.rows || 24}`, { cwd: '/' });
    try {
      await resize();
      await guest.writeFile('/run/bashrc', startFile(kernel, smcr));
      stdout.on('resize', resize);
      stdin.setRawMode(true);
      const { terminal } = guest.machine;
      terminal?.pipe(stdout);
      if (terminal) stdin.pipe(terminal);
      // The job leads its session, so the terminal that it opens becomes the one that controls it.
      const shell: GuestProcess = await guest.start(
        'exec bash --rcfile /run/bashrc -i <>/dev/ttyS2 >&0 2>&0',
        {
          cwd: process.cwd(),
          env: { TERM: process.env.TERM ?? 'xterm' },
        },
      );
      return (await shell.wait()).status;
    } finally {
      stdin.setRawMode(false);
      stdin.unref();
    }
  });
}

process.exitCode = await main(process.argv.slice(2));
