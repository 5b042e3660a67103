// A guest for developers: `npx tsx test/vm/shell.ts [KERNEL] [-- COMMAND]`.
import { Guest, type GuestProcess, type KernelName, kernelNames } from './guest.ts';

const usage = `usage: shell.ts [${kernelNames.join('|')}] [-- COMMAND]

Boots a guest with a real SMC kernel (6.12-smcd if none is given) on this machine's files, and opens a
shell in it, or runs a command of sh there and ends with its status.
`;

async function main(args: string[]): Promise<number> {
  const separator = args.includes('--') ? args.indexOf('--') : args.length;
  const [name = '6.12-smcd', ...others] = args.slice(0, separator);
  const kernel = kernelNames.find((known) => known === name);
  const command = args.slice(separator + 1).join(' ');
  if (!kernel || others.length > 0) {
    process.stderr.write(usage);
    return 2;
  }
  return command ? runCommand(kernel, command) : openShell(kernel);
}

async function runCommand(kernel: KernelName, command: string): Promise<number> {
  const guest = await Guest.boot({ kernel });
  try {
    const running = await guest.start(command, { cwd: process.cwd() });
    const { status, stdout, stderr } = await running.wait();
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    return status;
  } finally {
    await guest.close();
  }
}

async function openShell(kernel: KernelName): Promise<number> {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) {
    process.stderr.write('shell.ts: a shell needs a terminal; give a command after --\n');
    return 2;
  }
  const guest = await Guest.boot({ kernel, terminal: true });
  const resize = () =>
    guest.run(`stty -F /dev/ttyS2 columns ${stdout.columns || 80} rows ${stdout.rows || 24}`, { cwd: '/' });
  try {
    await resize();
    stdout.on('resize', resize);
    stdin.setRawMode(true);
    const { terminal } = guest.machine;
    terminal?.pipe(stdout);
    if (terminal) stdin.pipe(terminal);
    // The job leads its session, so the terminal that it opens becomes the one that controls it.
    const shell: GuestProcess = await guest.start('exec bash -i <>/dev/ttyS2 >&0 2>&0', {
      cwd: process.cwd(),
      env: { TERM: process.env.TERM ?? 'xterm' },
    });
    return (await shell.wait()).status;
  } finally {
    stdin.setRawMode(false);
    stdin.unref();
    await guest.close();
  }
}

process.exitCode = await main(process.argv.slice(2));
