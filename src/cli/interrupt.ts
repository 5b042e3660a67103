// SPDX-License-Identifier: MIT
/** For commands that run until they are told to stop. */

/** Ctrl-C, kill(1) without an option, and a terminal that is closed */
const STOPS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Those that somebody sends to end a process at once, besides SIGKILL, which leaves no time for anything */
const ENDS = [...STOPS, 'SIGQUIT'] as const;

let isHangupIgnored = false;

/**
 * From now on SIGHUP does nothing, as where it is ignored already (nohup(1)): Node sets such signals back to what they do by
 * default.
 * @returns ends that
 */
export function ignoreHangup(): () => void {
  const nothing = (): void => {};
  process.on('SIGHUP', nothing);
  isHangupIgnored = true;
  return () => {
    process.off('SIGHUP', nothing);
    isHangupIgnored = false;
  };
}

/**
 * Runs `body` with an AbortSignal that Ctrl-C (SIGINT), SIGTERM or SIGHUP aborts, so that `body` can finish its output first. A
 * second Ctrl-C ends the process at once.
 */
export async function untilInterrupted(body: (stop: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const signals = STOPS.filter((signal) => !(signal === 'SIGHUP' && isHangupIgnored));
  const stop = (): void => {
    controller.abort();
    release();
  };
  const release = (): void => {
    for (const signal of signals) process.off(signal, stop);
  };
  for (const signal of signals) process.on(signal, stop);
  try {
    await body(controller.signal);
  } finally {
    release();
  }
}

/**
 * Runs a clean-up when Ctrl-C, Ctrl-\, SIGTERM or SIGHUP ends the process. It does nothing if the command handles these signals itself.
 * @returns a function that cancels this
 */
export function cleanUpOnSignal(cleanUp: () => void): () => void {
  const end = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) > 1) return;
    release();
    cleanUp();
    process.kill(process.pid, signal); // now without a handler, so the process ends by this signal
  };
  const release = (): void => {
    for (const signal of ENDS) process.off(signal, end);
  };
  for (const signal of ENDS) process.on(signal, end);
  return release;
}

/** Waits for some time, but only until the signal is aborted. */
export function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      // the same signal may be used for many pauses
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stop.addEventListener('abort', end);
  });
}
