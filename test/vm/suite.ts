// SPDX-License-Identifier: MIT
/** What the guest tests share: a guest with our commands on its PATH, and ways to wait for a socket. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandResult, Guest, type GuestOptions, projectDirectory, setUpSmcR } from './guest.ts';

/** Enterprise ID of the test networks; soft-RoCE speaks SMC-R version 2 only, which needs one. */
export const UEID = 'SMC-TOOLS.TEST';

/** Boots a guest in which the commands of package.json can be called by name. */
export async function bootWithSuite(options: GuestOptions): Promise<Guest> {
  const guest = await Guest.boot(options);
  const { bin } = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  const links = Object.entries(bin).map(([name, file]) => `ln -sf "$(pwd)/${file}" /usr/local/bin/${name}`);
  await guest.run(`${links.join('\n')}\nchmod 755 /usr/local/bin`, { check: true });
  return guest;
}

/** Adds an enterprise ID, without the commands under test. */
export async function addUeid(guest: Guest, ueid = UEID): Promise<void> {
  await guest.run(`python3 test/vm/programs/add-ueid.py ${ueid}`, { check: true });
}

/** Everything SMC-R over soft-RoCE on lo needs: RDMA device, PNET ID, enterprise ID. */
export async function configureSmcR(guest: Guest): Promise<void> {
  await setUpSmcR(guest);
  await guest.run('smc_pnet -a NET1 -I lo -D rxelo', { check: true });
  await addUeid(guest);
}

/** Socket of `smcss -j`, as far as the tests look at it. */
export interface JsonSocket {
  state: string;
  mode: 'SMCR' | 'SMCD' | 'TCP' | null;
  family: 'ipv4' | 'ipv6' | null;
  uid: number;
  inode: number;
  local: { address: string | null; port: number };
  peer: { address: string | null; port: number } | null;
  fallback: {
    reason: { code: string; name: string };
    peer_diagnosis: { code: string; name: string } | null;
  } | null;
  connection: Record<string, unknown> | null;
  link: { ib_device: string; role: string } | null;
  dmb: Record<string, unknown> | null;
}

/** Runs `smcss -j` with further options. */
export async function sockets(guest: Guest, options = ''): Promise<JsonSocket[]> {
  const { stdout } = await guest.run(`smcss -j ${options}`, { check: true });
  const document = JSON.parse(stdout) as { sockets: JsonSocket[]; complete: boolean };
  if (!document.complete) throw new Error('smcss -j says its table is not complete');
  return document.sockets;
}

/** Waits until something in the guest holds, asking every 200 ms in one command. */
export async function waitFor(guest: Guest, condition: string, seconds = 60): Promise<CommandResult> {
  return guest.run(
    `n=0; until ${condition}; do n=$((n + 1)); [ $n -lt ${seconds * 5} ] || exit 1; sleep 0.2; done`,
    { check: true, timeoutMs: (seconds + 60) * 1000 },
  );
}

/** Waits for a TCP listener, in an SMC socket or not. */
export async function waitForListener(guest: Guest, port: number): Promise<void> {
  await waitFor(guest, `ss -Hltn sport = :${port} | grep -q .`);
}
