// SPDX-License-Identifier: MIT
/**
 * --from with bundles that were damaged somewhere: the archive, the manifest, the recording, files of the host. What comes
 * out is a listing or a sentence on each line, never a stack trace, an internal error or nothing at all.
 * FUZZ_CASES=N and FUZZ_SEED=S run other cases.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { smcDbg } from '../../src/commands/smc_dbg/command.ts';
import { SUITE } from '../../src/commands/smc_dbg/suite.ts';
import { tarEntries } from '../../src/recording/tar.ts';
import { filesBelow } from '../helpers/files-below.ts';
import { fuzzCases } from '../helpers/fuzz.ts';
import { mainframe, plant, server } from '../helpers/host-trees.ts';
import { inspectedKernel } from '../helpers/inspected-kernel.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { type Random, random } from '../helpers/random.ts';
import { runCommand } from '../helpers/run-command.ts';
import { type TarPart, tar } from '../helpers/tar.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_129);
const CASES = fuzzCases({ short: 50, long: 1000 });
/** Far more than any case takes; one that takes so long hangs. */
const HANGS_MS = 600_000;

const COMMANDS = [
  'smcss -a',
  'smcss -a -W',
  'smcss -a -D',
  'smcss -a -j',
  'smc_pnet -s',
  'smc_pnet -j',
  'smcd info',
  'smcd device',
  'smcd -dd linkgroup',
  'smcd -da stats',
  'smcd -j stats',
  'smcd seid',
  'smcd ueid',
  'smcd hs-limit',
  'smcd sysctl',
  'smcr -dd linkgroup link-show',
  'smcr -dd device',
  'smcr -j device',
  'smc_rnics -aIr',
  'smc_rnics -a -j',
  'smc_conf export',
  'smc_conf export -j',
  'smc_chk',
  'smc_chk -j',
  'smc_chk -i',
];

/** A bundle as its entries, in order. */
type Bundle = TarPart[];

function bundleOf(archive: Buffer): Bundle {
  const data = archive[0] === 0x1f ? gunzipSync(archive) : archive;
  return Array.from(tarEntries(data), ({ path, type, target, offset, size }) => ({
    path,
    type: type === 'directory' ? '5' : type === 'link' ? '2' : '0',
    target,
    text: Buffer.from(data.subarray(offset, offset + size)),
  })).filter(({ path, target }) => path.length <= 100 && target.length <= 100);
}

/** What files of the host might hold. */
const TEXTS: readonly (string | Buffer)[] = [
  '',
  '\n',
  'NaN\n',
  '-1\n',
  '1e999\n',
  '18446744073709551616\n',
  '0x\n',
  '\0\0\0\0',
  'a'.repeat(5000),
  'x\n'.repeat(3000),
  '\u202e\u001b[31m\n',
  '{"a":'.repeat(1000),
  '[['.repeat(50_000),
  Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0x0a]),
  ': : :\n::\n',
  '99999999999999999999 99999999999999999999 -1 NaN\n',
];

/** Values that take the place of one in JSON. */
const VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  1e300,
  '',
  'x',
  [],
  {},
  [[]],
  { a: 1 },
  '\u0000',
  '00'.repeat(40),
];

const some = <T>(list: readonly T[], next: Random): T => list[next(list.length)]!;

function damagedBytes(text: Buffer, next: Random): Buffer {
  let data = Buffer.from(text);
  for (let count = 1 + next(4); count > 0 && data.length > 0; count--)
    switch (next(4)) {
      case 0:
        data[next(data.length)] = next(256);
        break;
      case 1:
        data = data.subarray(0, next(data.length + 1));
        break;
      case 2: {
        const at = next(data.length);
        data = Buffer.concat([data.subarray(0, at), data.subarray(at + 1 + next(40))]);
        break;
      }
      default: {
        const at = next(data.length);
        data = Buffer.concat([data.subarray(0, at), data.subarray(next(data.length))]);
      }
    }
  return data;
}

/** Puts something else in the place of one value somewhere in a document. */
function damagedJson(text: string, next: Random): string {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return text;
  }
  for (let here = document; typeof here === 'object' && here !== null; ) {
    const keys = Object.keys(here);
    const key = some(keys, next);
    if (key === undefined) break;
    const holder = here as Record<string, unknown>;
    if (typeof holder[key] !== 'object' || holder[key] === null || next(4) === 0) {
      if (next(4) === 0) delete holder[key];
      else holder[key] = some(VALUES, next);
      break;
    }
    here = holder[key] as object;
  }
  return JSON.stringify(document);
}

/** A line of the recording: as bytes, as JSON, or one digit of its netlink messages. */
function damagedRecording(text: Buffer, next: Random): Buffer {
  const lines = text.toString('utf8').split('\n').filter(Boolean);
  const at = next(lines.length);
  const line = lines[at] ?? '';
  switch (next(5)) {
    case 0:
      lines[at] = damagedBytes(Buffer.from(line), next).toString('latin1');
      break;
    case 1:
      lines[at] = damagedJson(line, next);
      break;
    case 2:
      lines.splice(at, next(3), ...Array.from({ length: next(3) }, () => some(lines, next)));
      break;
    default: {
      const digits = Array.from(line);
      const from = line.indexOf('"replies"');
      for (let count = 1 + next(4); count > 0 && from >= 0; count--) {
        const where = from + next(line.length - from);
        if (/[0-9a-f]/.test(digits[where] ?? '')) digits[where] = next(16).toString(16);
      }
      lines[at] = digits.join('');
    }
  }
  return Buffer.from(`${lines.join('\n')}\n`);
}

function damaged(bundle: Bundle, next: Random): Buffer {
  const parts = bundle.map((part) => ({ ...part }));
  const named = (name: string): TarPart | undefined => parts.find(({ path }) => path.endsWith(`/${name}`));
  const recording = named('netlink.jsonl');
  const manifest = named('manifest.json');
  const host = parts.filter(({ path, type }) => path.includes('/host/') && type === '0');
  for (let count = 1 + next(3); count > 0; count--)
    switch (next(10)) {
      case 0:
        if (manifest)
          manifest.text = next(2)
            ? damagedJson(String(manifest.text), next)
            : damagedBytes(Buffer.from(manifest.text!), next);
        break;
      case 1:
      case 2:
      case 3:
        if (recording) recording.text = damagedRecording(Buffer.from(recording.text!), next);
        break;
      case 4:
      case 5:
      case 6:
        some(host, next).text = some(TEXTS, next);
        break;
      case 7: {
        const part = some(host, next);
        part.text = damagedBytes(Buffer.from(part.text!), next);
        break;
      }
      case 8:
        Object.assign(
          some(parts, next),
          some(
            [
              { type: '5', text: '' },
              { type: '2', text: '', target: some(['.', '..', '/etc/passwd', 'x', ''], next) },
              { type: '6' },
            ],
            next,
          ),
        );
        break;
      default:
        parts.splice(next(parts.length), 1);
    }
  let data = tar(...parts);
  if (next(12) === 0) data = damagedBytes(data, next);
  if (next(8) === 0) {
    data = gzipSync(data, { level: 1 });
    if (next(2) === 0) data = damagedBytes(data, next);
  }
  return data;
}

/** A few bundles of several systems; of the recorded ones only some files, as each is unpacked hundreds of times. */
async function bundles(t: Test): Promise<Bundle[]> {
  const made: Bundle[] = [];
  for (const tree of [server, mainframe]) {
    const file = join(ownDirectory(t), 'bundle.tgz');
    const { status } = await runCommand(smcDbg, ['-o', file], {
      hostRoot: plant(t, tree),
      transport: inspectedKernel(),
      isRecorded: true,
    });
    t.equal(status, 0);
    made.push(bundleOf(readFileSync(file)));
  }
  const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
  for (const scene of ['6.12-smcr', '6.12-smcd']) {
    const paths = filesBelow(join(fixtures, scene)).filter((path) =>
      /host\/(?:proc\/sys\/net\/smc|sys\/.*\/ports)\/|manifest|netlink/.test(path),
    );
    made.push(
      paths.map((path) => ({ path: path.slice(fixtures.length), type: '0', text: readFileSync(path) })),
    );
  }
  return made;
}

/** What is wrong with how a command ended; `undefined` if nothing is. */
function fault(
  name: string,
  { status, stdout, stderr }: { status: number; stdout: string; stderr: string },
): string | undefined {
  if (/internal error|^\s+at |undefined|\[object Object\]|NaN/m.test(stderr))
    return 'stderr has an error of ours';
  if (/\[object Object\]|\bundefined\b/.test(stdout)) return 'stdout has a hole';
  const lines = stderr.split('\n').filter(Boolean);
  if (lines.some((line) => !line.startsWith(`${name}: `))) return 'a line without the name of the command';
  if (!Number.isInteger(status)) return 'no status';
  if (status !== 0 && lines.length === 0 && stdout === '') return 'a failure without a word';
  return undefined;
}

t.test('damaged bundles', async (t) => {
  const all = await bundles(t);
  const file = join(ownDirectory(t), 'damaged');
  const statuses: Record<number, number> = {};
  let faults = 0;
  for (let number = 0; number < CASES && faults < 5; number++) {
    const next = random(Math.imul(SEED + 1, 0x85eb_ca6b) ^ Math.imul(number + 1, 0x9e37_79b1));
    // mostly small ones: to unpack is what takes time
    const [large, small] = [all.slice(0, 2), all.slice(2)];
    writeFileSync(file, damaged(some(next(4) === 0 ? large : small, next), next));
    const [name = '', ...words] = some(COMMANDS, next).split(' ');
    const command = await SUITE[name]!();
    let timer: NodeJS.Timeout | undefined;
    const hangs = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('it hangs')), HANGS_MS);
    });
    let why: string | undefined;
    let outcome: Awaited<ReturnType<typeof runCommand>> | undefined;
    try {
      outcome = await Promise.race([
        runCommand(command, [...words, '--from', file], { env: { HOME: '/nonexistent' } }),
        hangs,
      ]);
      statuses[outcome.status] = (statuses[outcome.status] ?? 0) + 1;
      why = fault(name, outcome);
    } catch (error) {
      why = String(error);
    } finally {
      clearTimeout(timer);
    }
    if (!why) continue;
    faults++;
    t.fail(`FUZZ_SEED=${SEED}, case ${number}, ${name} ${words.join(' ')}: ${why}`, { outcome });
  }
  t.ok((statuses[0] ?? 0) > CASES / 10, `listings and failures: ${JSON.stringify(statuses)}`);
  t.equal(faults, 0);
});
