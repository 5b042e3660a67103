#!/bin/sh
":" /*
# Node cannot start in every place; smc-start finds out, and helps. npm calls this file by a link in PREFIX/bin or
# node_modules/.bin; start.sh is beside the file, not beside the link. To follow any other link takes a process.
for smc_tools in "${0%/*}/.." "${0%/*}/../lib/node_modules/smc-tools" "${0%/*}/../smc-tools" ''; do
  [ -e "$smc_tools/bin/start.sh" ] && [ "$smc_tools/bin/${0##*[/]}" -ef "$0" ] && break
done
[ "$smc_tools" ] || { smc_tools=$(readlink -f "$0") && smc_tools=${smc_tools%/*}/..; }
[ -r "$smc_tools/bin/start.sh" ] && . "$smc_tools/bin/start.sh"
command -v node >/dev/null || {
  echo "smc_rnics: Node.js cannot start: there is no node in PATH ($PATH)" >&2
  exit 1
}
exec node "$0" "$@"
*/
try {
  require.resolve('./start.js');
} catch {
  console.error(
    `smc_rnics: ${__filename} is part of the package smc-tools and does not work alone; install the package, or link to the file in it`,
  );
  process.exit(1);
}
require('./start.js').start('smc_rnics');
