// SPDX-License-Identifier: MIT
/**
 * Runs calls of the client with damaged answers and holds what comes out against the verdict of the reference: a success
 * only if all answers were complete, a failure only for the answer that was not, and for what is wrong with it.
 */
import { errnoName } from '../../../src/netlink/errno.ts';
import { NetlinkError } from '../../../src/netlink/error.ts';
import type { RawSocket, Transport } from '../../../src/netlink/transport.ts';
import type { SmcClient } from '../../../src/smc/client.ts';
import { SmcError } from '../../../src/smc/error.ts';
import { type Random, random } from '../../helpers/random.ts';
import { damage } from './mutations.ts';
import { type Asked, type Datagram, Reference, type Verdict } from './reference.ts';
import { clientOf, json, type Session } from './sessions.ts';

const PORT = 4711;

/** Stands for the deadline: everything was delivered, and there is no end. */
const SILENCE = 'SILENCE';

/** One request of a run, and what its answer was worth. */
interface Answered {
  key: string;
  label: string;
  request: Buffer;
  asked: Asked;
  verdict: Verdict;
}

export interface Finding {
  case: number;
  session: string;
  mutations: string[];
  /** what does not agree */
  why: string;
  answers: string[];
  outcome: string;
}

type Outcome = { result: unknown } | { error: unknown };

/** An answer of the session with the numbers of this request. */
function addressed(replies: readonly Buffer[], request: Buffer, order: 'LE' | 'BE'): Buffer[] {
  return replies.map((reply) => {
    const data = Buffer.from(reply);
    for (let at = 0; data.length - at >= 16; ) {
      request.copy(data, at + 8, 8, 12);
      if (order === 'LE') data.writeUInt32LE(PORT, at + 12);
      else data.writeUInt32BE(PORT, at + 12);
      at += ((order === 'LE' ? data.readUInt32LE(at) : data.readUInt32BE(at)) + 3) & ~3;
    }
    return data;
  });
}

const keyOf = (protocol: number, request: Buffer): string =>
  `${protocol}:${request.toString('latin1', 0, 8)}${request.toString('latin1', 16)}`;

/** Answers the requests of one run; datagrams come within `send`, so that no turn of the event loop is needed. */
class Answers implements Transport {
  readonly order: 'LE' | 'BE';
  readonly answered: Answered[] = [];
  readonly #reference: Reference;
  readonly #known = new Map<string, Buffer[][]>();
  readonly #damage: (at: number, answer: Buffer[], asked: Asked) => Datagram[];

  constructor(session: Session, damaging: (at: number, answer: Buffer[], asked: Asked) => Datagram[]) {
    this.order = session.order;
    this.#reference = new Reference(session.order);
    this.#damage = damaging;
    for (const { protocol, request, replies } of session.exchanges) {
      const key = keyOf(protocol, request);
      const list = this.#known.get(key);
      if (list) list.push(replies);
      else this.#known.set(key, [replies]);
    }
  }

  async open(protocol: number): Promise<RawSocket> {
    type Listener = (...args: never[]) => void;
    const listeners: Record<string, Listener> = {};
    let isOpen = true;
    return {
      on(event: string, listener: unknown) {
        listeners[event] = listener as Listener;
      },
      send: (request, _options, callback) => {
        callback();
        const asked = this.#reference.asked(protocol, request, PORT);
        const key = keyOf(protocol, request);
        const label = this.#reference.describe(protocol, request);
        const known = this.#known.get(key);
        const replies = known && (known.length > 1 ? known.shift()! : known[0]!);
        const answer = replies ? addressed(replies, request, this.order) : [this.#unknown(request)];
        const datagrams = this.#damage(this.answered.length, answer, asked);
        const verdict = this.#reference.judge(asked, datagrams);
        this.answered.push({ key, label, request: Buffer.from(request), asked, verdict });
        this.#learn(label, request, verdict);
        for (const { data, from, truncated } of datagrams) {
          if (!isOpen) break;
          if (truncated === undefined)
            (listeners['message'] as (...args: unknown[]) => void)(data, { port: from });
          else
            (listeners['truncatedMessage'] as (...args: unknown[]) => void)(data, { port: from, truncated });
        }
        if (verdict.kind === 'incomplete')
          (listeners['error'] as (error: Error) => void)(Object.assign(new Error(), { code: SILENCE }));
      },
      address: () => ({ port: PORT }),
      close() {
        isOpen = false;
      },
    };
  }

  /** The id of a family is known to the reference from the answer of the controller. */
  #learn(label: string, request: Buffer, verdict: Verdict): void {
    if (label !== 'nlctrl 3 do' || verdict.kind !== 'complete') return;
    const name = request.toString('latin1', 24).replace(/\0.*$/s, '');
    // the last attribute 1 counts
    const row = verdict.rows[0]!;
    const u16 = (at: number): number => (this.order === 'LE' ? row.readUInt16LE(at) : row.readUInt16BE(at));
    let id = 0;
    for (let at = 4; row.length - at >= 4; at += (u16(at) + 3) & ~3)
      if ((u16(at + 2) & 0x3fff) === 1) id = u16(at + 4);
    this.#reference.name(id, name);
  }

  /** What the kernel says to an id or a command that it does not have. */
  #unknown(request: Buffer): Buffer {
    const data = Buffer.alloc(36);
    const put = (value: number, at: number): unknown =>
      this.order === 'LE' ? data.writeInt32LE(value, at) : data.writeInt32BE(value, at);
    put(36, 0);
    if (this.order === 'LE') data.writeUInt16LE(2, 4);
    else data.writeUInt16BE(2, 4);
    request.copy(data, 8, 8, 12);
    put(PORT, 12);
    put(-2, 16);
    request.copy(data, 20, 0, 16);
    return data;
  }
}

const ENOENT = 2;
const EAGAIN = 11;
const EEXIST = 17;
const EINVAL = 22;

/** The type may be another one: that is what was wrong. */
const isSameCommand = (one: Buffer, other: Buffer): boolean =>
  one.subarray(6, 8).equals(other.subarray(6, 8)) && one.subarray(16).equals(other.subarray(16));

/** Whether a call may succeed in spite of this answer: the kernel's quirks that the client knows. */
function isTolerated(at: number, answers: readonly Answered[], session: Session, result: unknown): boolean {
  const { key, label, request, verdict } = answers[at]!;
  const later = answers.slice(at + 1);
  if (verdict.kind === 'complete') {
    if (!verdict.interrupted) return true;
    if (label.startsWith('protocol 4')) return (result as { interrupted?: boolean }).interrupted === true;
    return later.some((other) => other.key === key);
  }
  if (verdict.kind !== 'failed') return false;
  const { errno } = verdict;
  const isProbe = label === 'SMC_PNETID 2 do' && request.includes('n') && request.at(-4) === 3;
  switch (errno) {
    case ENOENT:
      return (
        label === 'SMC_PNETID 4 do' ||
        (/^protocol 4, family (2|10)$/.test(label) && verdict.rows.length === 0) ||
        // asked again, the family under a new id maybe
        later.some((other) => isSameCommand(other.request, request) && other.verdict.kind === 'complete')
      );
    case EAGAIN:
      return label === 'SMC_GEN_NETLINK 11 do';
    case EINVAL:
    case EEXIST:
      return isProbe || (errno === EEXIST && session.name.endsWith('pnet.add second port'));
    default:
      return false;
  }
}

/** The four of which nothing is left to tell but that the answer was no good. */
const CODES: Partial<Record<Verdict['kind'], string>> = {
  malformed: 'ERR_MALFORMED',
  truncated: 'ERR_TRUNCATED',
  overrun: 'ERR_OVERRUN',
  incomplete: SILENCE,
};

/** @returns what is wrong with the outcome; undefined when it agrees */
function disagreement(
  session: Session,
  answers: readonly Answered[],
  outcome: Outcome,
  isUnchanged: boolean,
): string | undefined {
  const hopeless = answers.findIndex(({ verdict }) => CODES[verdict.kind]);
  if (hopeless >= 0 && hopeless < answers.length - 1)
    return 'something was asked after an answer that was no good';
  const code = hopeless >= 0 ? CODES[answers[hopeless]!.verdict.kind] : undefined;
  if ('result' in outcome) {
    const bad = answers.findIndex((_, at) => !isTolerated(at, answers, session, outcome.result));
    if (bad >= 0) return `success, but answer ${bad} is ${answers[bad]!.verdict.kind}`;
    return undefined;
  }
  const { error } = outcome;
  if (error instanceof NetlinkError) {
    if (code) return error.code === code ? undefined : `${error.code}, not ${code}`;
    if (error.code === 'ERR_INTERRUPTED') {
      const { verdict } = answers.at(-1)!;
      return verdict.kind === 'complete' && verdict.interrupted ? undefined : 'nothing was interrupted';
    }
    const isErrno = answers.some(
      ({ verdict }) => verdict.kind === 'failed' && errnoName(verdict.errno) === error.code,
    );
    return isErrno ? undefined : `${error.code}, which no answer says`;
  }
  if (error instanceof SmcError) {
    if (code) return `a failure of the domain, not ${code}`;
    const isExplained = answers.some(({ verdict }) => verdict.kind === 'failed');
    const isUsual = session.outcome.startsWith('SmcError');
    return isExplained || !isUnchanged || isUsual ? undefined : 'a failure of the domain without a reason';
  }
  return 'not an error of ours';
}

const PRIME = 0x9e37_79b1;
const OTHER_PRIME = 0x85eb_ca6b;

/** A case is told by its seed and number, on any machine. */
const randomOf = (seed: number, number: number): Random =>
  random(Math.imul(seed + 1, OTHER_PRIME) ^ Math.imul(number + 1, PRIME));

interface Run {
  answers: Answers;
  outcome: Outcome | undefined;
  client: SmcClient;
}

function start(session: Session, damaging: ConstructorParameters<typeof Answers>[1]): Run {
  const answers = new Answers(session, damaging);
  const client = clientOf(answers);
  const run: Run = { answers, client, outcome: undefined };
  session.call(client).then(
    (result) => {
      run.outcome = { result };
    },
    (error) => {
      run.outcome = { error };
    },
  );
  return run;
}

const textOf = (outcome: Outcome | undefined): string => {
  if (!outcome) return 'hangs';
  if ('result' in outcome) return `result ${json(outcome.result)}`;
  const { name, code, message } = outcome.error as Error & { code?: string };
  return `${name} ${code}: ${message}`;
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Cases that are begun before the event loop has its turn. */
const BATCH = 64;

export interface Tally {
  cases: number;
  /** verdict of the damaged answer, and how often */
  verdicts: Record<string, number>;
  findings: Finding[];
}

/**
 * @param from number of the first case
 * @param onBatch called now and then with the number of cases so far; false ends the run
 */
export async function runCases(
  sessions: readonly Session[],
  { seed, from, count }: { seed: number; from: number; count: number },
  onBatch: (tally: Tally) => boolean = () => true,
): Promise<Tally> {
  const tally: Tally = { cases: 0, verdicts: {}, findings: [] };
  for (let first = from; first < from + count; first += BATCH) {
    const batch = [];
    for (let number = first; number < Math.min(first + BATCH, from + count); number++) {
      const next = randomOf(seed, number);
      const session = sessions[next(sessions.length)]!;
      const target = next(session.exchanges.length);
      let mutations: string[] = [];
      let isSame = true;
      let rowHeader = Buffer.alloc(0);
      const run = start(session, (at, answer, asked) => {
        const plain = answer.map((data) => ({ data, from: 0 }));
        if (at !== target) return plain;
        const { datagrams, names } = damage(answer, asked.headerSize, session.order, next);
        mutations = names;
        isSame = isEqual(plain, datagrams);
        rowHeader = Buffer.from(answer[0]!.subarray(0, 16));
        return datagrams;
      });
      batch.push({
        number,
        session,
        target,
        run,
        mutations: () => mutations,
        isSame: () => isSame,
        header: () => rowHeader,
      });
    }
    await turn();
    const again: { one: (typeof batch)[number]; run: Run }[] = [];
    for (const one of batch) {
      const { run, session, target } = one;
      const { answered } = run.answers;
      const verdict = answered[target]?.verdict;
      const kind = verdict
        ? verdict.kind === 'complete' && verdict.interrupted
          ? 'interrupted'
          : verdict.kind
        : 'not asked';
      tally.cases++;
      tally.verdicts[kind] = (tally.verdicts[kind] ?? 0) + 1;
      const report = (why: string): void => {
        tally.findings.push({
          case: one.number,
          session: session.name,
          mutations: one.mutations(),
          why,
          answers: answered.map(
            ({ label, verdict }) =>
              `${label}: ${verdict.kind}${verdict.kind === 'failed' ? ` ${verdict.errno}` : ''}`,
          ),
          outcome: textOf(run.outcome),
        });
      };
      if (!run.outcome) {
        report('it hangs');
        run.client.close();
        continue;
      }
      const isUnchanged = one.isSame();
      const why = disagreement(session, answered, run.outcome, isUnchanged);
      if (why) report(why);
      else if (isUnchanged && textOf(run.outcome) !== session.outcome)
        report(`not as without damage: ${session.outcome}`);
      else if (!isUnchanged && verdict?.kind === 'complete' && !verdict.interrupted) {
        // what is complete has to be taken as if it had come without any oddity
        const { rows } = verdict;
        const clean = start(session, (at, answer, asked) =>
          at === target
            ? [{ data: cleanAnswer(rows, asked, session.order), from: 0 }]
            : answer.map((data) => ({ data, from: 0 })),
        );
        again.push({ one, run: clean });
        one.run.client.close();
        continue;
      }
      run.client.close();
    }
    if (again.length > 0) await turn();
    for (const { one, run } of again) {
      const expected = textOf(run.outcome);
      if (expected !== textOf(one.run.outcome))
        tally.findings.push({
          case: one.number,
          session: one.session.name,
          mutations: one.mutations(),
          why: `the same rows, sent plainly, give ${expected}`,
          answers: one.run.answers.answered.map(({ label, verdict }) => `${label}: ${verdict.kind}`),
          outcome: textOf(one.run.outcome),
        });
      run.client.close();
    }
    if (!onBatch(tally)) break;
  }
  return tally;
}

const isEqual = (a: readonly Datagram[], b: readonly Datagram[]): boolean =>
  a.length === b.length &&
  a.every(
    ({ data, from }, at) =>
      from === b[at]!.from && b[at]!.truncated === undefined && data.equals(b[at]!.data),
  );

/** Rows and an end as the kernel would send them, in one datagram. */
function cleanAnswer(rows: readonly Buffer[], asked: Asked, order: 'LE' | 'BE'): Buffer {
  const message = (type: number, payload: Buffer): Buffer => {
    const data = Buffer.alloc((16 + payload.length + 3) & ~3);
    const put32 = (value: number, at: number): unknown =>
      order === 'LE' ? data.writeUInt32LE(value, at) : data.writeUInt32BE(value, at);
    put32(16 + payload.length, 0);
    if (order === 'LE') data.writeUInt16LE(type, 4);
    else data.writeUInt16BE(type, 4);
    put32(asked.sequence, 8);
    put32(asked.port, 12);
    payload.copy(data, 16);
    return data;
  };
  const end = asked.isDump ? message(3, Buffer.alloc(4)) : message(2, Buffer.alloc(20));
  return Buffer.concat([...rows.map((row) => message(asked.rowType, row)), end]);
}
