#!/bin/sh
# `make run`: a demo server on loopback with an account that has some mail, until Ctrl-C.
#
# All it keeps is in one directory (ROOST_DEMO; by default roost-demo in ~/.local/share, for root in
# /var/lib). A second start finds the mail of the first.
set -eu
cd "$(dirname "$0")/.."
roost=$PWD/build/roost

if [ "$(id -u)" = 0 ]; then
    place=${ROOST_DEMO:-/var/lib/roost-demo}
    tools/users.sh
else
    place=${ROOST_DEMO:-${XDG_DATA_HOME:-$HOME/.local/share}/roost-demo}
fi
mkdir -p "$place"
settings="--set data=$place/data --set run=$place/run"
name=demo
password=demo

# Word splitting is meant: the settings are several words without blanks in them.
ask() {
    verb=$1
    shift
    # shellcheck disable=SC2086
    "$roost" "$verb" "$@" $settings
}

# A server that answers on the control socket, also while it is still starting.
runs() {
    ask check | grep -q 'a server runs'
}

server=
stop() {
    [ -n "$server" ] || return 0
    kill "$server" 2>/dev/null || true
    wait "$server" || true
    server=
}

start() {
    is_new=no
    if ! ask account show $name >/dev/null 2>&1; then
        printf '%s\n' $password | ask account add $name --password-stdin
        is_new=yes
    fi
    # shellcheck disable=SC2086
    "$roost" serve $settings &
    server=$!
    trap stop EXIT
    trap 'exit 0' INT TERM
    tries=0
    until runs && ask account show $name >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 100 ] || ! kill -0 $server 2>/dev/null; then
            echo "The server did not start; what it said stands above." >&2
            exit 1
        fi
        sleep 0.1
    done
    if [ $is_new = yes ]; then
        for message in test/fixtures/demo/*.eml; do
            ask deliver $name --from "${message##*/}@roost.example" <"$message"
        done
        ask deliver $name --mailbox Archive <test/fixtures/demo/1-plain.eml
    fi
}

if runs; then
    state="runs already, started elsewhere"
    end="Ctrl-C there stops it."
else
    start
    state=runs
    end="Ctrl-C stops it. Remove $place to begin anew."
fi

cat >"$place/mbsyncrc" <<END
IMAPAccount roost
Host 127.0.0.1
Port 1143
User $name
Pass $password
SSLType None
AuthMechs PLAIN

IMAPStore roost-remote
Account roost

MaildirStore roost-local
Path $place/maildir/
Inbox $place/maildir/INBOX
SubFolders Verbatim

Channel roost
Far :roost-remote:
Near :roost-local:
Patterns *
Create Near
SyncState *
END
mkdir -p "$place/maildir"

cat <<END

Roost $state. Account $name, password $password; everything is in $place.

  Read, with curl:
      curl -u $name:$password 'imap://127.0.0.1:1143/INBOX?ALL'
      curl -u $name:$password 'imap://127.0.0.1:1143/INBOX;MAILINDEX=2'
      curl -k -u $name:$password 'imaps://127.0.0.1:1993/' -X 'STATUS INBOX (MESSAGES UNSEEN)'

  Keep a copy, with mbsync (package isync):
      mbsync -c $place/mbsyncrc -a

  In a graphical client (Thunderbird, Evolution, ...):
      server 127.0.0.1, user $name, password $password
      IMAP port 1143 without encryption or with STARTTLS, or port 1993 with TLS;
      the certificate is made by Roost itself: the client asks once whether to trust it.

  Send mail in:
      build/roost deliver $name $settings < test/fixtures/demo/2-alternative.eml
      or let an MTA speak LMTP to 127.0.0.1:1024 or to $place/run/lmtp

  Look inside:
      build/roost account list $settings
      build/roost config imap lmtp $settings
      ps -eo user:13,pid,args | grep '[r]oost'

$end

END
[ -z "$server" ] || wait "$server"
