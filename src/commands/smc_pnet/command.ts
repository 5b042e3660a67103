// SPDX-License-Identifier: MIT
/** smc_pnet: shows and edits the PNET table. */
import { UsageError } from '../../cli/options.ts';
import { rowObjects, writeDocument } from '../../cli/print.ts';
import { type Context, defineCommand } from '../../cli/run.ts';
import type { PnetTableDocument, PnetTableRow } from '../../documents/smc_pnet.ts';
import { tableLines } from '../../output/fold.ts';
import { documentColumns, printable } from '../../output/table.ts';
import { describeEntry, foldPnetId, type PnetEntry } from '../../smc/pnet-table.ts';
import { ACTIONS, OPTIONS, type PnetOptions, RULES } from './options.ts';

export const smcPnet = defineCommand({
  name: 'smc_pnet',
  usage: '[options] [PNETID]',
  operands: { name: 'PNETID', max: 1, completes: () => ['<pnetid>'] },
  summary:
    'Shows and edits the PNET table: which interfaces and RDMA or ISM devices share a physical network.',
  options: OPTIONS,
  examples: [
    ['smc_pnet', 'show the table'],
    ['smc_pnet -a NET1 -I eth0 -D mlx5_0', 'eth0 and port 1 of mlx5_0 are on network NET1'],
    ['smc_pnet -d NET1', 'delete all entries of NET1'],
  ],
  rules: RULES,
  run: execute,
});

async function execute(
  context: Context,
  options: PnetOptions,
  [pnetId]: readonly string[],
): Promise<number | undefined> {
  const { json } = options;
  const given = ACTIONS.find((action) => options[action]);
  if (pnetId !== undefined && !given)
    throw new UsageError(`PNET ID '${pnetId}' needs an action: --add, --show or --delete`);
  const action = given ?? 'show';
  if (action !== 'add')
    for (const option of ['interface', 'ibdevice', 'ibport'] as const)
      if (options[option] !== undefined) context.note(`--${option} is ignored without --add`);
  if (action !== 'show' && json) context.note('--json is ignored: there is no table to show');

  if (action !== 'show') context.needsRunningSystem(`--${action}`);
  switch (action) {
    case 'add':
      return add(context, options, pnetId);
    case 'show':
      return show(context, json, pnetId);
    case 'delete':
      return remove(context, pnetId);
    case 'flush':
      if (pnetId !== undefined)
        throw new UsageError(
          `--flush deletes all entries and does not take a PNET ID; --delete ${pnetId} deletes those of ${pnetId}`,
        );
      await (await context.client()).pnet.flush();
      return 0;
  }
}

async function add(
  { client, note, hostRoot }: Context,
  { interface: ethName, ibdevice: ibName, ibport }: PnetOptions,
  pnetId: string | undefined,
): Promise<number> {
  const ibPort = ibport || undefined;
  if (ethName === undefined && ibName === undefined)
    throw new UsageError('--add needs --interface, --ibdevice or both');
  if (pnetId === undefined) throw new UsageError('--add needs a PNET ID');
  if (ibPort !== undefined && ibName === undefined) note('--ibport is ignored without --ibdevice');

  const { pnet } = await client();
  const added = await pnet.add({ pnetId, ethName, ibName, ibPort });
  if (added.pnetId !== pnetId) note(`the PNET ID is stored as ${added.pnetId}`);
  for (const entry of added.alreadyThere) note(`${describeEntry(entry)} already had PNET ID ${entry.pnetId}`);
  if (added.unlistedPort)
    note(
      `port ${ibPort} of ${ibName} has the PNET ID, but the kernel's table lists only one port of a device`,
      'see smcr device',
    );

  // what the host has matters only for these notes
  const { hostFiles } = await import('../../smc/host.ts');
  const files = hostFiles(hostRoot);
  const interfaces = files.interfaces.map(({ name }) => name);
  if (ethName !== undefined && !interfaces.includes(ethName))
    note(
      `there is no interface ${ethName} yet; the entry takes effect when it appears`,
      `this host has ${list(interfaces)}`,
    );
  if (ibName !== undefined) {
    const { missingDevice } = await import('../../smc/table-devices.ts');
    const missing = missingDevice(ibName, files);
    if (missing)
      note(`there is no device ${ibName} yet; the entry takes effect when it appears`, missing.hint);
  }
  return 0;
}

function list(names: readonly string[]): string {
  return names.length > 0 ? names.join(', ') : 'none';
}

async function remove({ client }: Context, pnetId: string | undefined): Promise<number> {
  if (pnetId === undefined) throw new UsageError('--delete needs a PNET ID');
  await (await client()).pnet.remove(pnetId);
  return 0;
}

const columns = documentColumns<PnetEntry, PnetTableRow>()([
  { key: 'pnet_id', text: ({ pnetId }) => `${printable(pnetId)} `, json: ({ pnetId }) => pnetId },
  { key: 'kind', json: ({ kind }) => kind },
  {
    key: 'interface',
    text: ({ ethName }) => `${printable(ethName)} `,
    json: ({ kind, ethName }) => (kind === 'ethernet' ? ethName : null),
  },
  {
    key: 'ib_device',
    text: ({ ibName }) => `${printable(ibName)} `,
    json: ({ kind, ibName }) => (kind === 'device' ? ibName : null),
  },
  {
    key: 'ib_port',
    text: ({ ibPort }) => String(ibPort),
    json: ({ kind, ibPort }) => (kind === 'device' ? ibPort : null),
  },
]);

async function show(context: Context, json: boolean, pnetId: string | undefined): Promise<number> {
  const { io, client, paint, note } = context;
  const table = await (await client()).pnet.list();
  const wanted = pnetId === undefined ? undefined : foldPnetId(pnetId);
  const entries = wanted === undefined ? table : table.filter((entry) => entry.pnetId === wanted);
  if (json) writeDocument<PnetTableDocument>(context, { pnet_table: rowObjects(columns, entries) });
  else {
    const lines = tableLines(columns, paint, io.columns);
    for (const entry of entries) io.write(`${lines.row(entry)}\n`);
  }
  // for scripts nothing changes: no rows, status 0
  if (wanted !== undefined && entries.length === 0 && io.isTerminal)
    note(`PNET ID ${wanted} is not in the table`);
  return 0;
}
