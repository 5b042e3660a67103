# Read by the scripts of the commands: becomes smc-start, which was built here or is prebuilt for this machine.
smc_tools_start=$smc_tools/dist/native/smc-start
[ -x "$smc_tools_start" ] || {
  # a file since Linux 6.1; to ask uname takes a process
  read -r smc_tools_machine 2>/dev/null </proc/sys/kernel/arch || smc_tools_machine=$(uname -m)
  case $smc_tools_machine in
    x86_64) smc_tools_machine=x64 ;;
    aarch64) smc_tools_machine=arm64 ;;
  esac
  smc_tools_start=$smc_tools/prebuilds/linux-$smc_tools_machine/smc-start
}
[ -x "$smc_tools_start" ] && exec "$smc_tools_start" "$0" "$@"
# as smc-start does: where standard output is closed, Node would write to /dev/null, and nobody could tell
{ true 3>&1; } 2>/dev/null || exec 1</dev/null
