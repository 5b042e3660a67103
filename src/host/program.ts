// SPDX-License-Identifier: MIT
/**
 * Inspects a program before it is started: finds the file as execvp(3) does, follows scripts to their interpreter and
 * known wrappers to what they start, and predicts what the kernel and the dynamic loader will do. Nothing is
 * executed. Names are latin1 strings, so that every byte survives.
 */
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename } from 'node:path';
import { capabilityIn } from './capabilities.ts';
import { ElfError, type ElfFile, readElf } from './elf.ts';
import { DEFAULT_PATH, type Effect, wrapperEffect } from './wrappers.ts';

/** What the calling process may do, from /proc/self/status. */
export interface Caller {
  /** real IDs; those of this process if /proc does not have them */
  uid: number;
  gid: number;
  /** CAP_SYS_ADMIN is in its effective set */
  isAdmin: boolean;
  /** PR_SET_NO_NEW_PRIVS: setuid bits no longer have an effect */
  hasNoNewPrivileges: boolean;
}

/** Why the ELF file at the end of the chain is not known. */
type Unknown =
  /** a command in the chain was not found */
  | 'missing'
  /** it can be executed, but not read */
  | 'unreadable'
  /** the headers contradict each other */
  | 'damaged'
  /** neither ELF nor text: run by binfmt_misc(5), or not at all */
  | 'not-elf'
  /** more interpreters than the kernel follows */
  | 'too-deep';

export interface Program {
  /** the file passed to execve(2): the first candidate that can be executed */
  file: string;
  /** the file is text that execve(2) refuses, without a usable #! line: execvp(3) runs it with the shell */
  isShellText: boolean;
  /** the last file of the chain; for a script, its interpreter */
  image: string;
  elf: ElfFile | null;
  unknown: Unknown | null;
  /** privilege that the image gains when this caller starts it, in words: "setuid root" */
  gains: string | null;
  /** what keeps LD_PRELOAD from the program: "env -i" */
  wipes: string | null;
  /** what has the program taken from another file tree, so that the image is not the last: "chroot" */
  moves: string | null;
  /** a service is asked to start the program: "docker" */
  elsewhere: string | null;
  /** a known wrapper with a command line that is not understood: "nice --new-option" */
  unclear: string | null;
}

export interface ProgramOptions {
  caller: Caller;
  /** value of PATH for the first look-up */
  path: string | undefined;
  /** root of /proc */
  root: string;
  /** reads an extended attribute, see `Native.getxattr` */
  getxattr?: (file: Buffer, name: string) => Uint8Array | null;
}

/** Bytes of a file in which the kernel looks for #! (BINPRM_BUF_SIZE). */
const SCRIPT_LINE_MAX = 256;
/** Bytes of a file that must have no NUL for a shell to take it for a script, as in bash. */
const TEXT_MAX = 80;
/** How many interpreters can be scripts themselves before binfmt_script gives up. */
const INTERPRETERS_MAX = 5;
/** How many wrappers can start each other; more is assumed to be an endless loop. */
const WRAPPERS_MAX = 16;

const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
const S_IXGRP = 0o010;

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Reads the caller's credentials. */
export function currentCaller(root: string): Caller {
  let status = '';
  try {
    status = readFileSync(`${root}/proc/self/status`, 'latin1');
  } catch {
    // no /proc: Node gives at least the IDs
  }
  const number = (name: string): number | undefined => {
    const [, text] = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status) ?? [];
    return text === undefined ? undefined : Number(text);
  };
  const uid = number('Uid') ?? process.getuid?.() ?? 0;
  return {
    uid,
    gid: number('Gid') ?? process.getgid?.() ?? 0,
    isAdmin: capabilityIn(status, 'CAP_SYS_ADMIN') ?? uid === 0,
    hasNoNewPrivileges: number('NoNewPrivs') === 1,
  };
}

/** The files that execvp(3) tries for a command, in its order. */
export function candidates(command: string, path: string | undefined): string[] {
  if (command === '') return [];
  if (command.includes('/')) return [command];
  return (path ?? DEFAULT_PATH).split(':').map((directory) => `${directory || '.'}/${command}`);
}

/** The first candidate that is a file and may be executed. */
export function findExecutable(command: string, path: string | undefined): string | undefined {
  return candidates(command, path).find((file) => {
    try {
      accessSync(bytes(file), constants.X_OK);
      return statSync(bytes(file)).isFile();
    } catch {
      return false;
    }
  });
}

/**
 * Follows a command to the ELF file that runs in the end.
 * @param argv as latin1
 * @returns undefined when the command or its interpreter does not exist or must not be executed: execve(2) will report why
 */
export function lookAtProgram(argv: readonly string[], options: ProgramOptions): Program | undefined {
  let words = argv;
  let path = options.path;
  let isText = false;
  const program: Program = {
    file: '',
    isShellText: false,
    image: '',
    elf: null,
    unknown: null,
    gains: null,
    wipes: null,
    moves: null,
    elsewhere: null,
    unclear: null,
  };
  for (let depth = 0; ; depth++) {
    const found = findExecutable(words[0] ?? '', path);
    if (depth === 0) {
      if (found === undefined) return undefined;
      program.file = found;
    }
    // a shell has commands of its own
    if (found === undefined && isText) return program;
    if (found === undefined) return { ...program, image: words[0] ?? '', unknown: 'missing', elf: null };

    const chain = followScripts(found, words);
    program.image = chain.image;
    program.unknown = chain.unknown;
    if (depth === 0) program.isShellText = chain.isShellText;
    if (depth === 0 && chain.unknown === 'missing') return undefined;
    program.elf = chain.elf;
    program.gains ??= privilegeGained(chain.image, options);
    if (depth === WRAPPERS_MAX) return { ...program, unknown: 'too-deep', elf: null };

    const effect = chain.steps
      .map(({ file, argv }) => effectOf(file, argv, path))
      .find((effect) => effect !== undefined);
    switch (effect?.kind) {
      case undefined:
        return program;
      case 'elsewhere':
        return { ...program, elsewhere: effect.by };
      case 'unclear':
        return { ...program, unclear: effect.by };
      case 'starts':
        program.wipes ??= effect.wipes;
        program.moves ??= effect.moves;
        if (effect.argv.length === 0) return program;
        ({ argv: words, path, isText } = effect);
    }
  }
}

/** `busybox nice` is nice. */
function effectOf(file: string, argv: readonly string[], path: string | undefined): Effect | undefined {
  const name = nameOf(file);
  const isBox = name === 'busybox' || name === 'toybox';
  return isBox && argv[1] !== undefined
    ? wrapperEffect(argv[1], argv.slice(1), path)
    : wrapperEffect(name, argv, path);
}

/** Programs in /snap/bin are links to snap(1), which looks at the name. */
function nameOf(file: string): string {
  return file.startsWith('/snap/bin/') ? 'snap' : basename(file);
}

interface Chain {
  image: string;
  elf: ElfFile | null;
  unknown: Unknown | null;
  isShellText: boolean;
  /** the file and each interpreter, with its arguments */
  steps: { file: string; argv: readonly string[] }[];
}

function followScripts(found: string, words: readonly string[]): Chain {
  let image = found;
  let argv = words;
  const steps: Chain['steps'] = [];
  let isText = false;
  let isShellText = false;
  for (let depth = 0; ; depth++) {
    steps.push({ file: image, argv });
    const end = (unknown: Unknown): Chain => ({ image, elf: null, unknown, isShellText, steps });
    let unknown: Unknown = 'not-elf';
    try {
      return { image, elf: readElf(bytes(image)), unknown: null, isShellText, steps };
    } catch (error) {
      if (!(error instanceof ElfError))
        return end((error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'unreadable');
      if (error.code === 'DAMAGED') unknown = 'damaged';
    }
    if (depth === INTERPRETERS_MAX) return end('too-deep');
    const start = startOf(image);
    if (!start) return end('missing');
    if (depth === 0 && unknown === 'not-elf')
      isText = start.length > 0 && !start.subarray(0, TEXT_MAX).includes(0);
    let interpreter = unknown === 'not-elf' ? interpreterIn(start) : undefined;
    if (!interpreter) {
      if (!isText || isShellText) return end(unknown);
      // execve(2) refuses the file, or an interpreter of it, and execvp(3) has the shell run the file
      isShellText = true;
      interpreter = ['/bin/sh'];
      image = found;
      argv = words;
    }
    argv = [...interpreter, image, ...argv.slice(1)];
    image = interpreter[0]!;
  }
}

/** The bytes of a file that the kernel looks at; `undefined` when it cannot be opened. */
function startOf(file: string): Buffer | undefined {
  try {
    const fd = openSync(bytes(file), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const buffer = Buffer.alloc(SCRIPT_LINE_MAX);
      return buffer.subarray(0, readSync(fd, buffer));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** Interpreter in a #! line, and its argument if it has one; `undefined` when the kernel finds none. */
function interpreterIn(start: Buffer): string[] | undefined {
  const text = start.toString('latin1');
  if (!text.startsWith('#!')) return undefined;
  const line = text.slice(2).split(/[\n\0]/, 1)[0]!;
  const [, interpreter, argument] = /^[ \t]*([^ \t]+)[ \t]*(.*?)[ \t]*$/s.exec(line) ?? [];
  // the name is cut off: the kernel refuses it
  const isCut = !/[\n\0]/.test(text) && argument === '' && start.length === SCRIPT_LINE_MAX;
  if (!interpreter || isCut) return undefined;
  return argument ? [interpreter, argument] : [interpreter];
}

/**
 * What makes the kernel set AT_SECURE for the new program: effective IDs that differ from the real IDs, or capabilities
 * of the file if the caller is not root. The loader then ignores preloaded libraries.
 */
function privilegeGained(image: string, { caller, root, getxattr }: ProgramOptions): string | null {
  if (caller.hasNoNewPrivileges) return null;
  const file = bytes(image);
  let gains: string | null = null;
  try {
    const { mode, uid, gid } = statSync(file);
    if (mode & S_ISUID && uid !== caller.uid) gains = `setuid ${uid === 0 ? 'root' : `user ${uid}`}`;
    else if (mode & S_ISGID && mode & S_IXGRP && gid !== caller.gid)
      gains = `setgid ${gid === 0 ? 'root' : `group ${gid}`}`;
    else if (caller.uid !== 0 && getxattr?.(file, 'security.capability')) gains = 'given file capabilities';
    if (gains && mountOptions(realpathSync.native(file, 'latin1'), root).includes('nosuid')) return null;
  } catch {
    // the file cannot be inspected, so it probably cannot be run either
  }
  return gains;
}

/** Mount options of the file system of a file; empty if not known. */
export function mountOptions(file: string, root: string): string[] {
  let text: string;
  try {
    text = readFileSync(`${root}/proc/self/mountinfo`, 'latin1');
  } catch {
    return [];
  }
  let best: { point: string; options: string } | undefined;
  for (const line of text.split('\n')) {
    const [, , , , escaped, options] = line.split(' ');
    if (escaped === undefined || options === undefined) continue;
    const point = escaped.replace(/\\([0-7]{3})/g, (_, octal) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const isAbove = point === '/' || file === point || file.startsWith(`${point}/`);
    // a later mount on the same directory hides the earlier one
    if (isAbove && point.length >= (best?.point.length ?? 0)) best = { point, options };
  }
  return best?.options.split(',') ?? [];
}
