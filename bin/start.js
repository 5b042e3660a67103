// Starts a command by its name. What is in the way here, in a copy or for an old Node, is said in one line.
const OLDEST_NODE = 18; // as in "engines" of package.json

exports.start = (name) => {
  const fail = (text) => {
    console.error(`${name}: ${text}`);
    process.exitCode = 1;
  };
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    fail(`Node.js ${OLDEST_NODE} or newer is needed, and ${process.execPath} is ${process.version}`);
    return;
  }
  let load;
  try {
    load = require('../dist/commands/load.cjs');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    fail('dist/commands is missing: install the whole package, or in a checkout run: npm run build');
    return;
  }
  load.start(name);
};
