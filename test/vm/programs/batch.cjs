// Runs many commands of the suite in one process, since starting Node takes seconds in a guest. Reads
// [{ "words": ["smcr", "device"], "record": "/file" }, …] from stdin, writes [{ status, stdout, stderr }, …].
// It runs the same bundles as bin/, and catches only their writes to descriptors 1 and 2.
const fs = require('node:fs');
const { join } = require('node:path');

const { writeSync } = fs;
const caught = { 1: '', 2: '' };
fs.writeSync = (fd, data, ...rest) => {
  if (!(fd in caught)) return writeSync(fd, data, ...rest);
  caught[fd] += data;
  return data.length;
};

async function run({ words: [name, ...args], record }) {
  caught[1] = caught[2] = '';
  process.argv = [process.argv[0], name, ...args];
  process.exitCode = undefined;
  if (record) process.env.SMC_TOOLS_RECORD = record;
  require(join(__dirname, '../../../dist/commands', `${name}.cjs`)).run();
  while (process.exitCode === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  delete process.env.SMC_TOOLS_RECORD;
  return { status: process.exitCode, stdout: caught[1], stderr: caught[2] };
}

(async () => {
  const results = [];
  for (const command of JSON.parse(fs.readFileSync(0, 'utf8'))) results.push(await run(command));
  process.exitCode = 0;
  // process.stdout would also use this, if it is a file
  writeSync(1, JSON.stringify(results));
})();
