#!/bin/sh
# Run by the packages of distributions before they are removed: services that were enabled could not start any more
# without us, and our own must not run on. What is left, since it was changed by hand or Node has gone before us, is set
# aside.
set -e
if ls /etc/systemd/system/*.service.d/zz-smc.conf >/dev/null 2>&1 && [ "$(/usr/bin/node -p 1 2>/dev/null)" = 1 ]; then
  /usr/bin/smc_run --disable-all || true
fi
reload=
if [ -d /run/systemd/system ]; then
  # the socket first, or it starts the service again
  systemctl stop smc_exporter.socket smc_exporter.service smc-tools.service 'smc-tools@*.service' || true
fi
# what smc_conf enable and systemctl enable have linked to our units
for link in /etc/systemd/system/*.wants/smc-tools.service /etc/systemd/system/*.wants/smc-tools@*.service \
  /etc/systemd/system/*.wants/smc_exporter.service /etc/systemd/system/*.wants/smc_exporter.socket; do
  case $(readlink "$link") in
    */lib/systemd/system/smc-tools*.service | */lib/systemd/system/smc_exporter.s*) ;;
    *) continue ;;
  esac
  rm -f "$link"
  rmdir "${link%/*}" 2>/dev/null || true
  reload=1
done
for file in /etc/systemd/system/*.service.d/zz-smc.conf; do
  [ -e "$file" ] || continue
  case $(head -n 1 "$file") in
    '# made by smc_run '*) ;;
    *) continue ;;
  esac
  echo "$file refers to this package, and is now $file.disabled"
  mv -f "$file" "$file.disabled"
  reload=1
done
if [ "$reload" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
