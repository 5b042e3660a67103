// SPDX-License-Identifier: MIT
/** For commands that go on until they are told to stop. */

/**
 * Runs `body` with a signal that is aborted by Ctrl-C (SIGINT) or SIGTERM, so that it can end in good order instead of
 * being cut off. A second Ctrl-C ends the process as ever.
 */
export async function untilInterrupted(body: (stop: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const stop = (): void => {
    controller.abort();
    release();
  };
  const release = (): void => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await body(controller.signal);
  } finally {
    release();
  }
}

/**
 * Has something cleaned up when Ctrl-C or SIGTERM ends the process. A command that handles them itself has its way.
 * @returns what ends this
 */
export function cleanUpOnSignal(cleanUp: () => void): () => void {
  const end = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) > 1) return;
    release();
    cleanUp();
    process.kill(process.pid, signal); // as if it had not been handled
  };
  const release = (): void => {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  return release;
}

/** Waits, at most until the signal is aborted. */
export function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      // one signal serves any number of pauses
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stop.addEventListener('abort', end);
  });
}
