#!/bin/sh
# As root: makes the system users that the roles run as, where they are missing. Otherwise nothing.
set -eu
[ "$(id -u)" = 0 ] || exit 0
for role in tls gate auth mail control; do
    getent passwd "roost-$role" >/dev/null && continue
    echo "Making the system user roost-$role (roles do not run as root)"
    useradd --system --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin "roost-$role"
done
