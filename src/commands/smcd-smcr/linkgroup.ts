// SPDX-License-Identifier: MIT
/** `linkgroup`: link groups of SMC-D and SMC-R, and the links of the latter. */
import {
  parseSelection,
  type Selection,
  type SelectionRules,
  selectionOperands,
} from '../../cli/object-grammar.ts';
import { noteEmpty, rowObjects, writeDocument, writeTable } from '../../cli/print.ts';
import type {
  SmcdLinkGroupsDocument,
  SmcrLinkGroupsDocument,
  SmcrLinksDocument,
} from '../../documents/smcd.ts';
import { interfaceNames } from '../../host/interface-names.ts';
import { hex } from '../../output/numbers.ts';
import { type Column, detailLines } from '../../output/table.ts';
import { linkGroupOf, type SmcrLinkGroup } from '../../smc/link-groups.ts';
import { type LinkRow, linkColumns, linkRows } from './link-columns.ts';
import { smcdColumns, smcrColumns } from './linkgroup-columns.ts';
import { type Flavor, NotListedError, type ObjectContext, type SmcObject } from './object.ts';
import { ibDeviceWidth, isSelected } from './port-columns.ts';

export const linkgroup: SmcObject = {
  usage: (flavor) =>
    flavor === 'smcd'
      ? '[show] [all | LG-ID]'
      : '[show | link-show] [all | LG-ID | ibdev NAME | netdev NAME]',
  operands: (flavor) =>
    selectionOperands({ ...rules(flavor), verbs: flavor === 'smcd' ? ['show'] : ['show', 'link-show'] }),
  examples: (flavor) =>
    flavor === 'smcd'
      ? [
          ['smcd linkgroup', 'all link groups'],
          ['smcd -d linkgroup show 00000100', 'one of them with all details'],
        ]
      : [
          ['smcr linkgroup', 'all link groups'],
          ['smcr -d linkgroup netdev eth0', 'link groups that use an interface, with all details'],
          ['smcr -dd linkgroup link-show', 'links with their devices and addresses'],
        ],
  options: ['details', 'ddetails'],
  read(words, flavor) {
    const { verb, selection } = parseSelection(words, rules(flavor));
    const show = flavor === 'smcd' ? showSmcd : verb === 'show' ? showSmcr : showLinks;
    return (context) => show(context, selection);
  },
};

/** smcd takes link-show for show, as the C suite does. */
const rules = (flavor: Flavor): SelectionRules<'show' | 'link-show'> => ({
  verbs: ['show', 'link-show'],
  takesId: true,
  takesDevices: flavor === 'smcr',
});

/** Whether a link group has the id; the uid of one of its links will do, too. */
const hasId = (group: { id: number }, { id }: Selection): boolean =>
  id === undefined || group.id === linkGroupOf(id);

/**
 * At the end, when everything else is printed: the C suite has a header and status 0 for an id that is not there.
 * @throws NotListedError
 */
function checkId({ flavor }: ObjectContext, { id }: Selection, groups: readonly { id: number }[]): void {
  if (id === undefined || groups.some((group) => hasId(group, { id }))) return;
  throw new NotListedError('NOT_FOUND', `there is no link group ${hex(id, 8)}`, {
    hint: `${flavor} linkgroup lists all`,
  });
}

/** Without the note on an empty table, where `checkId` has more to say. */
const unlessById = (context: ObjectContext, { id }: Selection): ObjectContext =>
  id === undefined ? context : { ...context, note: () => {} };

async function showSmcd(context: ObjectContext, selection: Selection): Promise<void> {
  const { groups, missing } = await (await context.client()).smcdLinkGroups();
  const rows = groups.filter((group) => hasId(group, selection));
  if (context.json)
    writeDocument<SmcdLinkGroupsDocument>(context, {
      link_groups: rowObjects(smcdColumns, rows),
      complete: missing === 0,
    });
  else writeGroups(unlessById(context, selection), smcdColumns, rows, groups.length);
  if (missing > 0)
    context.note(
      `the kernel left out ${missing} link groups: its list is incomplete if there are several devices`,
    );
  checkId(context, selection, groups);
}

async function showSmcr(context: ObjectContext, selection: Selection): Promise<void> {
  const groups = await (await context.client()).smcrLinkGroups();
  const names = interfaceNames(context.hostRoot);
  const columns = smcrColumns(names);
  const rows = groups.filter(
    (group) =>
      hasId(group, selection) && (hasNoDevice(selection) || links([group], names, selection).length > 0),
  );
  if (context.json)
    writeDocument<SmcrLinkGroupsDocument>(context, { link_groups: rowObjects(columns, rows) });
  else writeGroups(unlessById(context, selection), columns, rows, groups.length);
  checkId(context, selection, groups);
}

async function showLinks(context: ObjectContext, selection: Selection): Promise<void> {
  const groups = await (await context.client()).smcrLinkGroups();
  const names = interfaceNames(context.hostRoot);
  const wanted = groups.filter((group) => hasId(group, selection));
  const rows = links(wanted, names, selection);
  const ibNames = rows.map(({ link }) => link.ibDevice);
  const columns = linkColumns(ibDeviceWidth(context, ibNames), context.details);
  if (context.json) writeDocument<SmcrLinksDocument>(context, { links: rowObjects(columns, rows) });
  else writeTable(unlessById(context, selection), columns, rows, groups.length, 'SMC-R link groups');
  checkId(context, selection, groups);
}

const hasNoDevice = (selection: Selection): boolean =>
  selection.ibDevice === undefined && selection.interface === undefined;

/** Links of the groups that use the device or interface that is asked for. */
function links(
  groups: readonly SmcrLinkGroup[],
  names: ReadonlyMap<number, string>,
  selection: Selection,
): LinkRow[] {
  return groups
    .flatMap((group) => linkRows(group, names))
    .filter((row) => isSelected(selection, row.link.ibDevice, row));
}

/** Width of the labels in the view with details. */
const LABEL_WIDTH = 9;

function writeGroups<Row>(
  context: ObjectContext,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  total: number,
): void {
  const { io, flavor } = context;
  const what = `${flavor === 'smcd' ? 'SMC-D' : 'SMC-R'} link groups`;
  if (context.details === 0) {
    writeTable(context, columns, rows, total, what);
    return;
  }
  rows.forEach((row, index) => {
    if (index > 0) io.write('\n');
    for (const line of detailLines(columns, row, LABEL_WIDTH, io.isTerminal)) io.write(`${line}\n`);
  });
  if (rows.length === 0) noteEmpty(context, total, what);
}
