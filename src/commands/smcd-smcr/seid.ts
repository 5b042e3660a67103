// SPDX-License-Identifier: MIT
/** `seid`: the enterprise ID that an IBM Z machine gives itself. */
import { parseAction } from '../../cli/object-grammar.ts';
import { writeDocument } from '../../cli/print.ts';
import type { SeidDocument } from '../../documents/smcd.ts';
import { printable } from '../../output/table.ts';
import type { ObjectContext, SmcObject } from './object.ts';

export const seid: SmcObject = {
  usage: () => '[show | enable | disable]',
  operands: () => ['show', 'enable', 'disable', 'help'],
  examples: () => [
    ['smcd seid', 'the SEID, and whether it is offered to peers'],
    ['smcd seid disable', 'offer UEIDs only'],
  ],
  read(words) {
    const action = parseAction(words, ['enable', 'disable', 'show'], { repeat: true, none: 'show' });
    return (context) => act(context, action);
  },
};

async function act(context: ObjectContext, action: 'enable' | 'disable' | 'show'): Promise<void> {
  if (action !== 'show') context.needsRunningSystem(action);
  const client = await context.client();
  if (action !== 'show') await client.seid.set(action === 'enable');
  const state = await client.seid.read();
  if (action !== 'show' && !state)
    context.note('there is no device for SMC-D version 2 yet: the setting takes effect when there is one');
  if (action !== 'show' && !context.json) return;
  if (context.json)
    writeDocument<SeidDocument>(context, {
      seid: { seid: state?.seid || null, enabled: state?.isEnabled ?? null },
    });
  else if (!state) context.io.write('n/a\n');
  else context.io.write(`${printable(state.seid)} [${state.isEnabled ? 'enabled' : 'disabled'}]\n`);
}
