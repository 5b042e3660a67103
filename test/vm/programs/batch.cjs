// Runs commands of the suite in one process, since starting Node takes seconds in a guest: batch.cjs DIRECTORY. Reads
// [{ "words": ["smcr", "device"], "record": "/file" }, …] from the FIFO DIRECTORY/ask, writes [{ status, stdout, stderr },
// …] to DIRECTORY/answer, and so on, until it is killed. An error is the last answer: { error }. It runs the same bundles
// as bin/, or those of $BUNDLES, and catches only their writes to descriptors 1 and 2.
const fs = require('node:fs');
const { join } = require('node:path');

const COMMANDS = process.env.BUNDLES ?? join(__dirname, '../../../dist/commands');
const { bundleOf } = require(join(COMMANDS, 'load.cjs'));

const { writeSync } = fs;
const caught = { 1: [], 2: [] };
fs.writeSync = (fd, data, ...rest) => {
  if (!(fd in caught)) return writeSync(fd, data, ...rest);
  const bytes = Buffer.from(data);
  caught[fd].push(bytes);
  return bytes.length;
};

const textOf = (parts) => Buffer.concat(parts).toString();

async function run({ words: [name, ...args], record }) {
  // it would be there for good
  if (args.some((word) => /^(-N|--netns)/.test(word)))
    throw new Error('another namespace takes a process of its own');
  caught[1] = [];
  caught[2] = [];
  process.argv = [process.argv[0], name, ...args];
  process.exitCode = undefined;
  if (record) process.env.SMC_TOOLS_RECORD = record;
  require(join(COMMANDS, `${bundleOf(name)}.cjs`)).run(undefined, undefined, name);
  while (process.exitCode === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  delete process.env.SMC_TOOLS_RECORD;
  return { status: process.exitCode, stdout: textOf(caught[1]), stderr: textOf(caught[2]) };
}

const [, , directory] = process.argv;
const answer = (document) => fs.writeFileSync(join(directory, 'answer'), JSON.stringify(document));
process.on('uncaughtException', (error) => {
  answer({ error: error.stack });
  process.exit(1);
});

(async () => {
  for (;;) {
    const results = [];
    for (const command of JSON.parse(fs.readFileSync(join(directory, 'ask'), 'utf8')))
      results.push(await run(command));
    answer(results);
  }
})();
