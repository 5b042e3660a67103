// SPDX-License-Identifier: MIT
/** smc_rnics: lists the adapters that SMC can use, and on s390x switches them on and off. */
import { UsageError } from '../../cli/options.ts';
import { writeDocument } from '../../cli/print.ts';
import { type Context, defineCommand } from '../../cli/run.ts';
import type { AdaptersDocument } from '../../documents/smc_rnics.ts';
import { hostArchitecture, isMainframe, kernelRelease } from '../../host/architecture.ts';
import { setSlotPower, slotPower } from '../../host/pci-devices.ts';
import type { PciName } from '../../host/pci-names.ts';
import { tableLines } from '../../output/fold.ts';
import { fitted } from '../../output/table.ts';
import { type Adapter, listAdapters, stackedInterfaces } from '../../smc/adapters.ts';
import { CHOICE_PARTS, type ChoiceView, ismDevices } from '../../smc/device-choice.ts';
import { explain } from '../../smc/explain.ts';
import { type HostFiles, observeHost, unseenParts } from '../../smc/host.ts';
import { adapterJson } from './adapter-json.ts';
import { portColumns, portRows, remarks } from './adapters-table.ts';
import { pftName } from './function-types.ts';
import { functionColumns, functionRows, type ListOptions, RULE } from './functions-table.ts';
import { OPTIONS, type RnicsOptions, RULES } from './options.ts';

/** Exit statuses of the C suite; 1 is any other failure. */
const STATUS = {
  usage: 2,
  notHexadecimal: 3,
  switchWithOperand: 4,
  noSuchSlot: 5,
  alreadyDone: 6,
  refused: 7,
  notListed: 8,
} as const;

export const smcRnics = defineCommand({
  name: 'smc_rnics',
  usage: '[options] [FID | DEVICE]',
  operands: { name: 'DEVICE', completes: () => ['<device>', '<interface>'] },
  summary:
    'Lists RDMA and ISM devices, and whether SMC can use them; on s390x it also switches them on and off.',
  options: OPTIONS,
  rules: RULES,
  examples: [
    ['smc_rnics', 'adapters, and whether SMC can use them'],
    ['smc_rnics eth0', 'those below an interface (not on s390x)'],
    ['smc_rnics -d 12a', 'switch off the function with FID 12a (s390x)'],
    ["smc_rnics -j | jq '.devices[].ports[].smc_r'", 'whether SMC-R can use each port, with reasons'],
  ],
  run: execute,
  statusOf: (error) => (error instanceof UsageError ? STATUS.usage : 1),
});

async function execute(
  context: Context,
  options: RnicsOptions,
  operands: readonly string[],
): Promise<number> {
  const { note, hostRoot } = context;
  const { enable, disable } = options;
  const operand = operands.at(-1);
  const fid = enable ?? disable;
  if (fid !== undefined && operand !== undefined) {
    note(
      `unexpected argument '${operand}': --enable and --disable already have their FID`,
      'smc_rnics --help shows the usage',
    );
    return STATUS.switchWithOperand;
  }
  if (fid !== undefined) {
    context.needsRunningSystem(enable === undefined ? '--disable' : '--enable');
    for (const [option, isGiven] of [
      ['all', options.all],
      ['IB-dev', options.ibDevices],
      ['rawids', options.raw],
      ['json', options.json],
    ] as const)
      if (isGiven) note(`--${option} is ignored: there is nothing to list`);
    return switchFunction(context, fid, enable !== undefined);
  }
  const isFidWanted = isMainframe(hostRoot) && operand !== undefined;
  if (isFidWanted && parseFid(operand) === undefined) return notHexadecimal(note, operand);
  const host = await observeHost(await context.client(), hostRoot, CHOICE_PARTS);
  reportProblems(context, host);
  const found = options.json
    ? await writeJson(context, options, host, operand)
    : isMainframe(hostRoot)
      ? writeFunctions(context, options, host, operand)
      : await writeAdapters(context, options, host, operand);
  if (operand === undefined || found) return 0;
  note(`there is no ${isFidWanted ? 'PCI function with FID' : 'adapter'} ${operand}`);
  return STATUS.notListed;
}

/** A function id: hexadecimal, with or without 0x. */
function parseFid(text: string): number | undefined {
  return /^(0[xX])?[0-9a-fA-F]+$/.test(text) ? Number.parseInt(text, 16) : undefined;
}

function notHexadecimal(note: Context['note'], text: string): number {
  note(`'${text}' is not a FID`, 'a FID is a hexadecimal number, such as 12a or 0x12a');
  return STATUS.notHexadecimal;
}

function switchFunction({ note, hostRoot }: Context, text: string, on: boolean): number {
  if (!isMainframe(hostRoot)) {
    const here = hostArchitecture(hostRoot) ?? 'another architecture';
    note(`PCI functions can be switched on and off on s390x only, and this is ${here}`);
    return 1;
  }
  const fid = parseFid(text);
  if (fid === undefined) return notHexadecimal(note, text);
  const word = on ? 'on' : 'off';
  const state = slotPower(fid, hostRoot);
  if (state === undefined) {
    note(`there is no PCI function with FID ${text}`, 'smc_rnics -a lists all');
    return STATUS.noSuchSlot;
  }
  if (state === on) {
    note(`the PCI function with FID ${text} is already ${word}`);
    return STATUS.alreadyDone;
  }
  try {
    setSlotPower(fid, on, hostRoot);
    return 0;
  } catch (error) {
    note(`the PCI function with FID ${text} cannot be switched ${word}: ${explain(error)?.text ?? error}`);
    return STATUS.refused;
  }
}

/** Parts of the kernel's answers, by the names that users know them by. */
const PART_NAMES: Readonly<Record<(typeof CHOICE_PARTS)[number], string>> = {
  system: 'SMC',
  pnetTable: 'PNET table',
  smcrPorts: 'RDMA ports of SMC',
  smcdDevices: 'ISM devices of SMC',
  ueids: 'UEIDs',
  seid: 'SEID',
  addresses: 'IP addresses',
};

/** What the kernel did not answer, each failure once. */
const problemsOf = (host: ChoiceView): { part: string; error: string }[] =>
  unseenParts(host, CHOICE_PARTS).map(({ part, why, error }) => ({
    part: PART_NAMES[part],
    error: explain(error)?.text ?? why,
  }));

function reportProblems({ note }: Context, host: ChoiceView): void {
  const texts = problemsOf(host).map(({ error }) => error);
  for (const text of new Set(texts)) note(`${text}: what only the kernel knows is shown as ?`);
}

/** Whether the list has an adapter: those for SMC in any case, others on request. */
function isListed({ kind, pci }: Adapter, { all, raw }: ListOptions, isOnMainframe: boolean): boolean {
  if (kind === 'rdma' || kind === 'ism') return true;
  if (!isOnMainframe) return kind === 'network' && all;
  return all || (pci !== undefined && (raw || pftName(pci) !== undefined));
}

/** Whether an operand means an adapter: by FID on s390x, elsewhere by device, PCI address or an interface on it. */
function isNamed(
  adapter: Adapter,
  operand: string,
  { interfaces }: HostFiles,
  isOnMainframe: boolean,
): boolean {
  const { name, slot, pci, dibs, rdma, ports } = adapter;
  if (isOnMainframe) return (slot?.fid ?? pci?.mainframe?.fid) === parseFid(operand);
  return (
    [name, pci?.address, dibs?.name, rdma?.name].includes(operand) ||
    ports.some(
      ({ netdev }) =>
        netdev &&
        (netdev.name === operand || stackedInterfaces(netdev, 'upper', interfaces).includes(operand)),
    )
  );
}

function selectAdapters(
  { hostRoot }: Context,
  options: ListOptions,
  host: ChoiceView,
  operand: string | undefined,
): Adapter[] {
  const isOnMainframe = isMainframe(hostRoot);
  return listAdapters(host).filter((adapter) =>
    operand === undefined
      ? isListed(adapter, options, isOnMainframe)
      : isNamed(adapter, operand, host, isOnMainframe),
  );
}

/** A bundle has the names of its adapters, so that everybody sees what was seen on its host. */
async function namesOf(
  { hostRoot }: Context,
  adapters: readonly Adapter[],
): Promise<ReadonlyMap<string, PciName>> {
  const { pciNames } = await import('../../host/pci-names.ts');
  return pciNames(
    adapters.flatMap(({ pci }) => pci ?? []),
    hostRoot,
  );
}

/** @returns whether something was listed */
async function writeJson(
  context: Context,
  options: ListOptions,
  host: ChoiceView,
  operand: string | undefined,
): Promise<boolean> {
  const { hostRoot } = context;
  const adapters = selectAdapters(context, options, host, operand);
  const names = await namesOf(context, adapters);
  writeDocument<AdaptersDocument>(context, {
    architecture: hostArchitecture(hostRoot) ?? null,
    kernel: kernelRelease(hostRoot) ?? null,
    devices: adapters.map((adapter) => adapterJson(adapter, host, names)),
    problems: problemsOf(host),
  });
  return adapters.length > 0;
}

function writeFunctions(
  { io, paint, note }: Context,
  options: ListOptions,
  host: ChoiceView,
  operand: string | undefined,
): boolean {
  const fid = operand === undefined ? undefined : parseFid(operand);
  const { rows, missing } = functionRows(options, host, fid);
  const columns = functionColumns(options, host);
  const table = tableLines(columns, paint, io.columns, rows);
  io.write(`${table.header}\n${RULE.slice(0, io.columns || undefined)}\n`);
  for (const row of rows) io.write(`${table.row(row)}\n`);
  for (const absent of missing)
    note(`the function with FID ${absent.toString(16)} is on, but there is no such PCI device`);
  // it is not a function, and scripts read the columns of the C suite
  const loopback =
    io.isTerminal && fid === undefined && ismDevices(host).find(({ isLoopback }) => isLoopback);
  if (loopback)
    note(
      `SMC-D also has a software device, ${loopback.name}, for connections within this system`,
      'smc_rnics -j shows more',
    );
  return rows.length > 0;
}

async function writeAdapters(
  context: Context,
  options: ListOptions,
  host: ChoiceView,
  operand: string | undefined,
): Promise<boolean> {
  const { io, paint, note } = context;
  const adapters = selectAdapters(context, options, host, operand);
  const names = options.raw ? new Map<string, PciName>() : await namesOf(context, adapters);
  const rows = portRows(adapters);
  const columns = fitted(portColumns(host, names, options.raw), rows);
  const table = tableLines(columns, paint, io.columns, rows);
  if (rows.length > 0) io.write(`${table.header}\n`);
  for (const row of rows) {
    io.write(`${table.row(row)}\n`);
    for (const line of remarks(row, options.ibDevices)) io.write(`${paint('dim', line)}\n`);
  }
  if (rows.length === 0 && operand === undefined && io.isTerminal)
    note(
      'this host has neither an RDMA device nor an ISM device',
      'smc_rnics -a lists its other network adapters',
    );
  return rows.length > 0;
}
