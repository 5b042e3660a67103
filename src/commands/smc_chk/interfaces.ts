// SPDX-License-Identifier: MIT
/** smc_chk -s and -l: what each interface is set up for, and a connection from this host to itself over it. */
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { InterfaceTestRow, InterfaceTestsDocument } from '../../documents/smc_chk.ts';
import type { NetworkInterface } from '../../host/network-interfaces.ts';
import type { Made } from '../../output/document.ts';
import { printable } from '../../output/table.ts';
import {
  CHOICE_PARTS,
  type ChoiceView,
  chooseDevices,
  type InterfaceChoice,
} from '../../smc/device-choice.ts';
import { observeHost } from '../../smc/host.ts';
import type { InterfaceAddress } from '../../smc/interface-addresses.ts';
import { namedUpInterface } from '../../smc/named-interface.ts';
import { timeoutOf } from './connect.ts';
import { isSmc, type Tested, testConnection, testedJson, writeResult } from './connection-test.ts';
import { listen } from './listen.ts';
import type { ChkOptions } from './options.ts';
import { pnetText } from './pnetid.ts';
import { enterShim } from './preload.ts';
import { SocketLookup, warnBeforeLookup } from './socket-lookup.ts';
import { attempt, DEFAULT_PORT, endpointText, type Obstacle } from './target.ts';

/** A test could not be carried out. */
const STATUS_FAILED = 1;
/** All were, and one has found no SMC. */
const STATUS_NO_SMC = 3;

/** SMC-D as an interface is set up for it. */
interface StaticAnalysis {
  choice: InterfaceChoice;
  /** devices that version 1 and version 2 would use; function IDs on IBM Z */
  v1: string[];
  v2: string[];
  /** EIDs that are offered with version 2 */
  seid: string | null;
  ueids: readonly string[];
  /** `null` for any */
  subnets: string[] | null;
}

/** A live test, or why there was none. */
type LiveTest = { tested: Tested } | { obstacle: Obstacle };

export async function interfacesMode(
  context: Context,
  options: ChkOptions,
  names: readonly string[],
): Promise<number> {
  const { staticAnalysis: isStatic, liveTest: isLive, json, port = DEFAULT_PORT } = options;
  const timeoutMs = timeoutOf(options);
  if (isLive) {
    enterShim(context);
    warnBeforeLookup(context);
  }
  const { io, hostRoot } = context;
  const host = await observeHost(await context.client(), hostRoot, CHOICE_PARTS);
  const chosen = choose(names, host.interfaces);
  let status = 0;
  const worsen = (to: number): void => {
    // what could not be carried out counts more than what was found
    if (status !== STATUS_FAILED && to !== 0) status = to;
  };
  const rows: Made<InterfaceTestRow>[] = [];
  for (const device of chosen) {
    const analysis = isStatic ? analyse(device, host) : undefined;
    if (analysis) worsen(analysis.v1.length + analysis.v2.length > 0 ? 0 : STATUS_NO_SMC);
    if (!json) writeHeading(context, device);
    if (!json && analysis) writeAnalysis(context, analysis);
    if (!json && isStatic && !isLive) io.write('\n');
    if (!json && isLive) io.write('  Live test (SMC-D and SMC-R, EXPERIMENTAL)\n');
    io.flush();
    const live = isLive ? await testInterface(context, device, host, port, timeoutMs) : undefined;
    if (live) worsen('obstacle' in live ? STATUS_FAILED : isSmc(live.tested) ? 0 : STATUS_NO_SMC);
    if (!json && live) {
      if ('tested' in live) await writeResult(context, live.tested);
      else io.write(`     ${printable(live.obstacle.text)}\n`);
      io.write('\n');
    }
    if (json) rows.push(toJson(device, analysis, live));
  }
  if (json) writeDocument<InterfaceTestsDocument>({ io }, { interfaces: rows });
  return status;
}

/** @throws SmcError NOT_FOUND for one that is not there or not up */
function choose(names: readonly string[], interfaces: readonly NetworkInterface[]): NetworkInterface[] {
  if (names.length === 0) return interfaces.filter(({ isUp }) => isUp);
  return names.map((name) => namedUpInterface(name, interfaces));
}

function analyse(device: NetworkInterface, host: ChoiceView): StaticAnalysis {
  const choice = chooseDevices(device, host);
  const usable = (version: 'v1' | 'v2'): string[] =>
    choice.ism
      .filter((ism) => ism[version].usable)
      .map((ism) => fid(ism.function?.mainframe?.fid) ?? ism.name);
  const v2 = choice.smcdV2.usable ? usable('v2') : [];
  const seid = host.seid.value;
  const addresses = host.addresses.value ?? [];
  return {
    choice,
    v1: choice.smcdV1.usable ? usable('v1') : [],
    v2,
    seid: seid?.isEnabled ? seid.seid : null,
    ueids: host.ueids.value ?? [],
    subnets: v2.length > 0 ? null : addresses.filter(({ index }) => index === device.index).map(subnetText),
  };
}

const fid = (value: number | undefined): string | undefined => value?.toString(16);
const subnetText = ({ address, prefixLength }: InterfaceAddress): string => `${address}/${prefixLength}`;

function writeHeading({ io, paint }: Context, { name }: NetworkInterface): void {
  io.write(`Checking active link:    ${paint('heading', printable(name))}\n`);
}

/** Width of the labels. */
const LABEL_WIDTH = 25;

function writeAnalysis({ io }: Context, { choice, v1, v2, seid, ueids, subnets }: StaticAnalysis): void {
  io.write('  Static Analysis (SMC-D only, EXPERIMENTAL)\n');
  const lines = (label: string, values: readonly string[]): void =>
    values.forEach((value, at) => {
      const title = at === 0 && label ? `     ${label}:` : '';
      io.write(`${title.padEnd(LABEL_WIDTH)}${printable(value)}\n`);
    });
  const configuration = [
    ...(v1.length > 0 ? [`SMC-Dv1 (ISMv1 FID(s): ${v1.join(' ')})`] : []),
    ...(v2.length > 0 ? [`SMC-Dv2 (ISMv2 FID(s): ${v2.join(' ')})`] : []),
  ];
  if (configuration.length === 0) {
    lines('Configuration', ['none for SMC-D', choice.smcdV1.reason, choice.smcdV2.reason]);
    return;
  }
  lines('Configuration', configuration);
  lines('PNET ID', [choice.pnet.pnetId === undefined ? 'none' : pnetText(choice.pnet)]);
  if (seid) lines('Advertising SEID', [seid]);
  // the first one stands a column to the right, as in the original
  lines(
    'Advertising UEIDs',
    ueids.map((ueid, at) => (at === 0 ? ` ${ueid}` : ueid)),
  );
  lines('Reachable subnets', subnets ?? ['Any']);
}

async function testInterface(
  { client, hostRoot }: Context,
  { index, name }: NetworkInterface,
  { addresses }: ChoiceView,
  port: number,
  timeoutMs: number,
): Promise<LiveTest> {
  const own = addresses.value?.find((one) => one.index === index && one.scope !== 'link' && one.isUsable);
  if (!own)
    return {
      obstacle: {
        text: `no usable address on ${name}`,
        hint: `give it one: ip address add ADDRESS/LENGTH dev ${name}`,
      },
    };
  const { servers, port: served } = await listen([own.address], port, (socket) => {
    socket.on('error', () => {});
    socket.resume();
    socket.on('end', () => socket.end());
  });
  try {
    const tried = await attempt(own.address, served, timeoutMs);
    if ('obstacle' in tried)
      return {
        obstacle: { ...tried.obstacle, text: `${endpointText(own.address, served)}: ${tried.obstacle.text}` },
      };
    tried.socket.on('error', () => {});
    try {
      const kernel = await client();
      return {
        tested: await testConnection(kernel, new SocketLookup(kernel), tried.socket, 'Client', hostRoot),
      };
    } finally {
      tried.socket.destroy();
    }
  } finally {
    for (const server of servers) server.close();
  }
}

function toJson(
  { name }: NetworkInterface,
  analysis: StaticAnalysis | undefined,
  live: LiveTest | undefined,
): Made<InterfaceTestRow> {
  return {
    interface: name,
    static: analysis
      ? {
          smcd_v1: analysis.v1,
          smcd_v2: analysis.v2,
          smcd_v1_reason: analysis.choice.smcdV1.reason,
          smcd_v2_reason: analysis.choice.smcdV2.reason,
          pnet_id: analysis.choice.pnet.pnetId ?? null,
          pnet_id_source: analysis.choice.pnet.source,
          seid: analysis.seid,
          ueids: analysis.ueids,
          subnets: analysis.subnets,
        }
      : null,
    connection: live && 'tested' in live ? testedJson(live.tested) : null,
    error: live && 'obstacle' in live ? { text: live.obstacle.text, hint: live.obstacle.hint } : null,
  };
}
