// SPDX-License-Identifier: MIT
/** smc_chk -i: the PNET ID of an interface, and nothing else. */
import type { Parsed } from '../../cli/options.ts';
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { InterfacePnetIdDocument } from '../../documents/smc_chk.ts';
import { printable } from '../../output/table.ts';
import { interfacePnet, type PnetSource } from '../../smc/device-choice.ts';
import { readInventory } from '../../smc/inventory.ts';
import { namedInterface } from '../../smc/named-interface.ts';

/** The PNET ID could not be looked up. */
const STATUS_FAILED = 1;

export async function pnetidMode(context: Context, { flags, values }: Parsed): Promise<number> {
  const { io, note, client, hostRoot } = context;
  const name = values['pnetid'] ?? '';
  const inventory = await readInventory(await client(), hostRoot);
  const device = namedInterface(name, inventory.interfaces);
  const pnet = interfacePnet(device, inventory);
  if (flags.has('json')) {
    const document = { interface: name, pnet_id: pnet.pnetId ?? null, source: pnet.source };
    writeDocument<InterfacePnetIdDocument>({ io }, document);
  } else if (pnet.pnetId !== undefined) io.write(`${pnetText(pnet)}\n`);
  if (pnet.source !== 'unknown') return 0;
  const [problem] = inventory.problems;
  note(`${name} has no PNET ID in hardware, and the PNET table cannot be read`, problem?.error.message);
  return STATUS_FAILED;
}

/** With a star when it is from the PNET table and not from the hardware, as the original marks it. */
export const pnetText = ({ pnetId = '', source }: PnetSource): string =>
  `${printable(pnetId)}${source === 'table' || source === 'base-table' ? '*' : ''}`;
