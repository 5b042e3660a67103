// SPDX-License-Identifier: MIT
/** The process of a thread that has just done something. */
import { readFileSync } from 'node:fs';
import { type ControlGroup, parseControlGroup } from './control-group.ts';
import { statField } from './process-stat.ts';

/** A process, or a thread of the kernel. */
export interface ThreadProcess extends ControlGroup {
  /** name of its command: at most 15 bytes of any characters */
  command: string | undefined;
  pid: number;
  /** effective user */
  uid: number | undefined;
  /** works for the kernel, and for no process that is known */
  isKernel: boolean;
}

/** PF_KTHREAD, include/linux/sched.h */
const KERNEL_THREAD = 0x0020_0000;

/**
 * Looks a thread up. Of one that has ended, no more is known than what is given.
 * @param tid number of the thread
 * @param command name of the thread
 */
export function processOfThread(tid: number, command: string | undefined, root: string): ThreadProcess {
  const read = (file: string): string => {
    try {
      return readFileSync(`${root}/proc/${file}`, 'utf8');
    } catch {
      return ''; // it has ended
    }
  };
  const status = read(`${tid}/status`);
  const field = (name: string): string | undefined => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1];
  const pid = Number(field('Tgid') ?? tid);
  const uid = field('Uid')?.split('\t')[1];
  const flags = statField('flags', tid, root);
  const isKernel =
    flags === undefined
      ? /^(kworker\/|ksoftirqd\/)/.test(command ?? '')
      : (Number(flags) & KERNEL_THREAD) !== 0;
  return {
    command: read(`${pid}/comm`).replace(/\n$/, '') || command,
    pid,
    uid: uid === undefined ? undefined : Number(uid),
    isKernel,
    ...parseControlGroup(isKernel ? '' : read(`${pid}/cgroup`)),
  };
}
