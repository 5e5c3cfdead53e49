#!/bin/sh
# `make install`: the binary, the manual page and packaging/ to their places below $DESTDIR$PREFIX.
#
# Changes nothing outside: users and directories are made by systemd-sysusers and systemd-tmpfiles
# (or tools/users.sh), at boot or when a package's script runs them.
set -eu
cd "$(dirname "$0")/.."
: "${PREFIX:=/usr/local}" "${DESTDIR:=}"
case $PREFIX in
/*) ;;
*)
    echo "tools/place.sh: PREFIX is \"$PREFIX\"; it must be a path that begins with /" >&2
    exit 64
    ;;
esac
top=$DESTDIR$PREFIX

install -D -m 755 build/roost "$top/bin/roost"
install -D -m 644 man/roost.1 "$top/share/man/man1/roost.1"
install -D -m 644 packaging/sysusers.conf "$top/lib/sysusers.d/roost.conf"
install -D -m 644 packaging/tmpfiles.conf "$top/lib/tmpfiles.d/roost.conf"
install -d "$top/lib/systemd/system"
for unit in packaging/*.service packaging/*.socket; do
    sed "s|@PREFIX@|$PREFIX|g" "$unit" >"$top/lib/systemd/system/${unit##*/}"
    chmod 644 "$top/lib/systemd/system/${unit##*/}"
done

echo "Installed below $top."
[ -n "$DESTDIR" ] || cat <<END
Next, as root: systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload
               roost check && systemctl enable --now roost
END
