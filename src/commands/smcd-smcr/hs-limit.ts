// SPDX-License-Identifier: MIT
/** `hs-limit`: the handshake limitation of this network namespace. */
import { parseAction } from '../../cli/object-grammar.ts';
import { writeDocument } from '../../cli/print.ts';
import type { HandshakeLimitDocument } from '../../documents/smcd.ts';
import type { ObjectContext, SmcObject } from './object.ts';

export const hsLimit: SmcObject = {
  usage: () => '[show | enable | disable]',
  operands: () => ['show', 'enable', 'disable', 'help'],
  examples: (flavor) => [
    [`${flavor} hs-limit`, 'whether it is on'],
    [`${flavor} hs-limit enable`, 'new sockets fall back to TCP while handshakes queue up'],
  ],
  read(words) {
    const action = parseAction(words, ['enable', 'disable', 'show'], { repeat: true, none: 'show' });
    return (context) => act(context, action);
  },
};

async function act(context: ObjectContext, action: 'enable' | 'disable' | 'show'): Promise<void> {
  if (action !== 'show') context.needsRunningSystem(action);
  const { handshakeLimit } = await context.client();
  if (action !== 'show') await handshakeLimit.set(action === 'enable');
  if (action !== 'show' && !context.json) return;
  const enabled = await handshakeLimit.isEnabled();
  if (context.json) writeDocument<HandshakeLimitDocument>(context, { hs_limit: { enabled } });
  else context.io.write(`${enabled ? 'enabled' : 'disabled'}\n`);
}
