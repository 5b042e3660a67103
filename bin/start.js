// Starts a command by its name; a checkout that was not built says so.
exports.start = (name) => {
  let load;
  try {
    load = require('../dist/commands/load.cjs');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    require('node:fs').writeSync(2, `${name}: this checkout is not built; run: npm run build\n`);
    process.exitCode = 1;
    return;
  }
  load.start(name);
};
