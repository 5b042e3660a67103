// SPDX-License-Identifier: MIT
/** Makes the commands smcd and smcr: options, choice of the object, exit status. */

import { matchKeyword, rewriteOptions } from '../../cli/object-grammar.ts';
import {
  COMMON_OPTIONS,
  checkOptions,
  checkRules,
  type Given,
  HelpOrVersion,
  helpText,
  type OptionTable,
  optionList,
  UsageError,
} from '../../cli/options.ts';
import type { CommandDefinition, Context } from '../../cli/run.ts';
import { didYouMean } from '../../cli/suggest.ts';
import { isOutOfReach } from '../../smc/explain.ts';
import { type Flavor, NotListedError, type SmcObject } from './object.ts';
import { type ObjectOption, OPTIONS, RULES } from './options.ts';

interface ObjectEntry {
  name: string;
  /** one line for the help */
  summary: string;
  /** only this command has it */
  only?: Flavor;
  load: () => Promise<SmcObject>;
}

/** In the order in which prefixes are tried; what the C suite does not have comes last. */
const OBJECTS: readonly ObjectEntry[] = [
  {
    name: 'device',
    summary: 'devices that the kernel can use',
    load: async () => (await import('./device.ts')).device,
  },
  {
    name: 'linkgroup',
    summary: 'link groups and their links',
    load: async () => (await import('./linkgroup.ts')).linkgroup,
  },
  {
    name: 'info',
    summary: 'capabilities of kernel and hardware',
    load: async () => (await import('./info.ts')).info,
  },
  {
    name: 'stats',
    summary: 'statistics: connections, data, buffers, fallbacks to TCP',
    load: async () => (await import('./stats.ts')).stats,
  },
  {
    name: 'ueid',
    summary: 'user-defined enterprise IDs',
    load: async () => (await import('./ueid.ts')).ueid,
  },
  {
    name: 'seid',
    summary: 'enterprise ID of the machine',
    only: 'smcd',
    load: async () => (await import('./seid.ts')).seid,
  },
  { name: 'help', summary: 'this help', load: async () => Promise.reject(new HelpOrVersion('help')) },
  {
    name: 'hs-limit',
    summary: 'handshake limitation: plain TCP while handshakes queue up',
    load: async () => (await import('./hs-limit.ts')).hsLimit,
  },
  {
    name: 'sysctl',
    summary: 'settings net.smc.*',
    load: async () => (await import('./sysctl.ts')).sysctl,
  },
];

/** There is no SMC to ask, no such object (as in the C suite), or no link group with the id. */
const STATUS_NO_OBJECT = 1;
/** Everything else: the C suite's objects return -1. */
const STATUS_FAILED = 255;

/** A word that names no object. */
class UnknownObjectError extends UsageError {}

/** Defines smcd or smcr. */
export function smcCommand(
  definition: Pick<CommandDefinition, 'summary' | 'examples'> & { name: Flavor },
): CommandDefinition {
  const { name: flavor } = definition;
  const objects = OBJECTS.filter(({ only = flavor }) => only === flavor);
  return {
    ...definition,
    usage: '[options] OBJECT [word...]',
    operands: { name: 'OBJECT', completes: () => operandsOf(flavor, objects) },
    options: OPTIONS,
    topics: { title: 'Objects', entries: objects.map(({ name, summary }) => [name, summary]) },
    rewrite: rewriteOptions,
    statusOf,
    run: (context, given) => dispatch(context, given, flavor, objects),
  };
}

async function operandsOf(flavor: Flavor, objects: readonly ObjectEntry[]): Promise<string[]> {
  const lines = objects.map(async ({ name, load }) => {
    if (name === 'help') return [name];
    const object = await load();
    return [name, ...object.operands(flavor).map((line) => `${name} ${line}`)];
  });
  return (await Promise.all(lines)).flat();
}

function statusOf(error: unknown): number {
  const isUnknown = error instanceof UnknownObjectError || error instanceof NotListedError;
  return isUnknown || isOutOfReach(error) ? STATUS_NO_OBJECT : STATUS_FAILED;
}

async function dispatch(
  context: Context,
  given: Given,
  flavor: Flavor,
  objects: readonly ObjectEntry[],
): Promise<undefined> {
  const [word, ...words] = given.operands;
  if (word === undefined) throw new HelpOrVersion('help');
  const name = matchKeyword(
    word,
    objects.map((entry) => entry.name),
  );
  const entry = objects.find((candidate) => candidate.name === name);
  if (!entry)
    throw unknownObject(
      word,
      objects.map((candidate) => candidate.name),
    );
  const object = await entry.load();
  try {
    for (const { name, long, addition } of optionList(OPTIONS))
      if (addition && given.texts.has(name) && !takes(object, name))
        throw new UsageError(`${entry.name} does not take --${long}`);
    // first the words, which may ask for help
    const act = object.read(words, flavor);
    checkRules({ options: OPTIONS, rules: RULES }, given);
    const options = checkOptions({ options: OPTIONS }, { ...given, operands: [] });
    const details = options.ddetails ? 2 : options.details ? 1 : 0;
    await act({ ...context, flavor, options, json: options.json, details });
  } catch (error) {
    if (error instanceof UsageError) error.help = `${flavor} ${entry.name} help`;
    if (!(error instanceof HelpOrVersion)) throw error;
    context.io.write(objectHelp(flavor, entry, object));
  }
  return undefined;
}

function unknownObject(word: string, names: readonly string[]): UnknownObjectError {
  const elsewhere = OBJECTS.find(({ name, only }) => only && matchKeyword(word, [name]));
  return new UnknownObjectError(
    elsewhere
      ? `${elsewhere.name} is an object of ${elsewhere.only}`
      : `there is no object '${word}'${didYouMean(word, names)}`,
  );
}

const takes = ({ options = [] }: SmcObject, name: string): boolean => options.includes(name as ObjectOption);

function objectHelp(flavor: Flavor, { name, summary }: ObjectEntry, object: SmcObject): string {
  const own = Object.entries<OptionTable[string]>(OPTIONS).filter(([option]) => takes(object, option));
  const { version: _, ...common } = COMMON_OPTIONS;
  return helpText({
    name: `${flavor} [options] ${name}`,
    usage: object.usage(flavor),
    summary: `${flavor} ${name}: ${summary}.`,
    options: { ...Object.fromEntries(own), ...common },
    examples: object.examples(flavor),
    page: `${flavor}-${name}`,
  });
}
