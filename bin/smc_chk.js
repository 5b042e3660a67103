#!/bin/sh
":" /*
# Node cannot start in every place; smc-start finds out, where it was built, and helps.
s=${0%/*}/../dist/native/smc-start
[ -x "$s" ] && exec "$s" "$0" "$@"
command -v node >/dev/null || {
  echo "smc_chk: Node.js cannot start: there is no node in PATH ($PATH)" >&2
  exit 1
}
exec node "$0" "$@"
*/
try {
  require.resolve('./start.js');
} catch {
  console.error(
    `smc_chk: ${__filename} is part of the package smc-tools and does not work alone; install the package, or link to the file in it`,
  );
  process.exit(1);
}
require('./start.js').start('smc_chk');
