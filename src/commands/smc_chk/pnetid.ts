// SPDX-License-Identifier: MIT
/** smc_chk -i: the PNET ID of an interface, and nothing else. */
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { InterfacePnetIdDocument } from '../../documents/smc_chk.ts';
import { printable } from '../../output/table.ts';
import { interfacePnet, type PnetSource } from '../../smc/device-choice.ts';
import { explain } from '../../smc/explain.ts';
import { observeHost } from '../../smc/host.ts';
import { namedInterface } from '../../smc/named-interface.ts';
import type { ChkOptions } from './options.ts';

/** The PNET ID could not be looked up. */
const STATUS_FAILED = 1;

export async function pnetidMode(context: Context, { json }: ChkOptions, name: string): Promise<number> {
  const { io, note, client, hostRoot } = context;
  const host = await observeHost(await client(), hostRoot, ['pnetTable']);
  const pnet = interfacePnet(namedInterface(name, host.interfaces), host);
  if (json) {
    const document = { interface: name, pnet_id: pnet.pnetId ?? null, source: pnet.source };
    writeDocument<InterfacePnetIdDocument>({ io }, document);
  } else if (pnet.pnetId !== undefined) io.write(`${pnetText(pnet)}\n`);
  if (pnet.source !== 'unknown') return 0;
  const { pnetTable } = host;
  note(
    `${name} has no PNET ID in hardware, and the PNET table cannot be read`,
    'why' in pnetTable ? (explain(pnetTable.error)?.text ?? pnetTable.why) : undefined,
  );
  return STATUS_FAILED;
}

/** With a star when it is from the PNET table and not from the hardware, as the original marks it. */
export const pnetText = ({ pnetId = '', source }: PnetSource): string =>
  `${printable(pnetId)}${source === 'table' || source === 'base-table' ? '*' : ''}`;
