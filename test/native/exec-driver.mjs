// SPDX-License-Identifier: MIT
// Runs one execve of the addon in a Node of its own. The job comes as JSON in argv[2]; strings of the form
// {"hex": "ff41"} become bytes. If the exec fails, prints the error and the state of the process before and after.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

const job = JSON.parse(process.argv[2]);
const toArgument = (value) => (value?.hex === undefined ? value : Buffer.from(value.hex, 'hex'));
const toList = (value) => (Array.isArray(value) ? value.map(toArgument) : value);

function processState() {
  const status = readFileSync('/proc/self/status', 'utf8').match(/^Sig(Ign|Blk):.*$/gm);
  const limit = readFileSync('/proc/self/limits', 'utf8').match(/^Max open files.*$/m);
  return [...status, ...limit].join('\n');
}

if (job.worker) {
  // The one that is started has no `worker`, or there would be no end of them.
  const { worker: _, ...rest } = job;
  new Worker(new URL(import.meta.url), { argv: [JSON.stringify(rest)] });
} else {
  const { execve } = createRequire(import.meta.url)(job.addon);
  for (const stream of job.touch ?? []) process[stream]; // the getter creates the stream
  const before = processState();
  try {
    execve(toArgument(job.file), toList(job.argv), toList(job.env), job.state);
  } catch (error) {
    const { name, code, errno, syscall, message } = error;
    console.log(JSON.stringify({ name, code, errno, syscall, message, before, after: processState() }));
  }
}
