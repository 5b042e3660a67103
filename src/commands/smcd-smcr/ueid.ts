// SPDX-License-Identifier: MIT
/** `ueid`: user-defined enterprise IDs. The same for smcd and smcr. */
import { matchKeyword, unexpected } from '../../cli/object-grammar.ts';
import { HelpOrVersion, UsageError } from '../../cli/options.ts';
import { noteEmpty, writeDocument } from '../../cli/print.ts';
import type { UeidsDocument } from '../../documents/smcd.ts';
import { printable } from '../../output/table.ts';
import type { ObjectContext, SmcObject } from './object.ts';

export const ueid: SmcObject = {
  usage: () => '[show | add UEID | add --from-machine-id | del UEID | flush]',
  operands: () => ['show', 'add', 'del <ueid>', 'flush', 'help'],
  examples: (flavor) => [
    [`${flavor} ueid`, 'all UEIDs'],
    [`${flavor} ueid add MY-PLEX`, 'define one; peers need the same'],
    [`${flavor} ueid add --from-machine-id`, 'define one for connections within this machine'],
  ],
  options: ['fromMachineId'],
  read: (words) => (context) => act(context, words),
};

/** Carries the words out. Whether "add" needs a UEID depends on an option. */
async function act(context: ObjectContext, words: readonly string[]): Promise<void> {
  const isFromMachine = context.options.fromMachineId;
  const { action, eid } = parseWords(words, isFromMachine);
  if (isFromMachine && action !== 'add') throw new UsageError(`${action} does not take --from-machine-id`);
  if (action !== 'show') context.needsRunningSystem(action);
  const { ueids } = await context.client();
  switch (action) {
    case 'add':
      await add(context, eid);
      break;
    case 'del':
      noteTakeOver(context, (await ueids.remove(eid!)).seidTookOver);
      break;
    case 'flush':
      noteTakeOver(context, (await ueids.flush()).seidTookOver);
      break;
  }
  if (context.json) writeDocument<UeidsDocument>(context, { ueids: await ueids.list() });
  else if (action === 'show') await show(context);
}

type Action = 'show' | 'add' | 'del' | 'flush';

function parseWords(
  words: readonly string[],
  needsNoEid: boolean,
): { action: Action; eid?: string | undefined } {
  const [word, eid, ...rest] = words;
  if (word === undefined && needsNoEid) throw new UsageError('--from-machine-id can be used with add only');
  if (word === undefined) return { action: 'show' };
  const action = matchKeyword(word, ['help', 'add', 'del', 'flush', 'show'] as const);
  if (action === 'help') throw new HelpOrVersion('help');
  if (!action) throw unexpected(word, ['show', 'add', 'del', 'flush', 'help']);
  const takesEid = (action === 'add' && !needsNoEid) || action === 'del';
  if (takesEid && eid === undefined) throw new UsageError(`${action} needs a UEID`);
  const surplus = takesEid ? rest[0] : eid;
  if (surplus !== undefined) throw unexpected(surplus);
  return takesEid ? { action, eid } : { action };
}

async function add({ client, hostRoot, note }: ObjectContext, given: string | undefined): Promise<void> {
  let text = given;
  if (text === undefined) {
    const { ueidFromMachineId } = await import('../../smc/machine-ueid.ts');
    text = ueidFromMachineId(hostRoot);
  }
  const stored = await (await client()).ueids.add(text);
  if (given === undefined) note(`this machine's UEID is ${stored}`);
  else if (stored !== given.trimEnd()) note(`the UEID is stored as ${stored}`);
}

function noteTakeOver({ note }: ObjectContext, seidTookOver: boolean): void {
  if (seidTookOver) note('no UEID is left: the kernel has enabled the SEID');
}

/** Width that the kernel pads UEIDs to, which scripts may count on. */
const UEID_WIDTH = 32;

async function show(context: ObjectContext): Promise<void> {
  const ueids = await (await context.client()).ueids.list();
  for (const entry of ueids) context.io.write(`${printable(entry).padEnd(UEID_WIDTH)}\n`);
  if (ueids.length === 0) noteEmpty(context, 0, 'UEIDs');
}
