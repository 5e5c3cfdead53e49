#!/bin/sh
# Installs what is missing from Debian: tools/install.sh PURPOSE ...
#
#   build   compiler, build tools and libraries
#   run     what `make run` needs besides
#   check   what `make check` needs
#   test    what `make test` needs
#   fuzz    what `make fuzz` needs
#   bench   the servers that the benchmarks compare with (Cyrus is unpacked, not installed)
#   differential   the servers that answers are compared with, which are the same
#
# Does nothing, and needs no right, when all is there.
set -eu

packages_for() {
    case $1 in
    build)
        echo gcc libc6-dev make meson ninja-build pkg-config python3
        echo libevent-dev libssl-dev libgsasl-dev libargon2-dev libcrypt-dev libutf8proc-dev
        echo libsqlite3-dev libseccomp-dev libjansson-dev libzstd-dev libcmocka-dev
        ;;
    run) echo passwd util-linux ;;
    check) packages_for build && echo clang-format-14 git ;;
    fuzz) packages_for build && echo clang-14 libclang-rt-14-dev ;;
    test)
        packages_for fuzz
        echo python3-pytest curl gsasl postfix isync neomutt fetchmail strace tmux openssl procps
        echo passwd zstd thunderbird offlineimap3 alpine dovecot-imapd dovecot-lmtpd valgrind
        ;;
    bench)
        packages_for build
        echo dovecot-imapd dovecot-lmtpd openssl procps python3
        echo sasl2-bin libsasl2-modules libsasl2-modules-db libical3 libxapian30 libzephyr4
        echo libclamav12 libpq5 libpcre3 libwrap0 linux-perf mount strace
        ;;
    differential) packages_for bench && echo python3-pytest ;;
    *)
        echo "tools/install.sh: no purpose \"$1\"" >&2
        echo "there are build, run, check, test, fuzz, bench, differential" >&2
        exit 64
        ;;
    esac
}

is_there() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

[ $# -gt 0 ] || set -- build
wanted=
for purpose in "$@"; do
    wanted="$wanted $(packages_for "$purpose" | tr '\n' ' ')"
done
missing=
for package in $wanted; do
    if ! command -v dpkg-query >/dev/null; then
        echo "This is not a Debian system: install what corresponds to:$wanted" >&2
        exit 0
    fi
    is_there "$package" && continue
    case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "Missing packages, and neither root nor sudo to install them. As root, run:" >&2
    echo "    apt-get install$missing" >&2
    exit 1
fi
echo "Installing:$missing"
# The lists may be older than the mirror: fetch them first.
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q \
    -o Dpkg::Use-Pty=0 >/dev/null
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 $missing
