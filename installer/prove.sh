#!/usr/bin/env bash
# Proves the README's two commands as somebody meets them who has just come (as root):
#   installer/prove.sh [bookworm|trixie]         (Debian 12, Debian 13)
# What is committed is cloned into a bare Debian that is made anew each time, and both commands
# run there; then again for a user without root, whose home can't be written, in a folder with
# spaces and Chinese characters, with LC_ALL=C, without shared memory, and with a clock in 1970.
# Prints a line for each; what they printed lies in build/prove-SUITE.
set -euo pipefail
# shellcheck source=installer/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=installer/chroot.sh
source "$ROOT/installer/chroot.sh"

suite=${1:-bookworm}
base=$ROOT/build/bare-$suite
bare=$ROOT/build/new-$suite
logs=$ROOT/build/prove-$suite
odd="/srv/照片 演示/mm gpt"
failed=()

[[ $EUID -eq 0 ]] || die "A bare system is made by root alone: sudo installer/prove.sh"
trap leave_bare EXIT

# prove NAME WANTED COMMAND...: WANTED is what the last lines must say; it is given a name.
prove() {
  local name=$1 wanted=$2 began=$SECONDS result=ok
  in_bare "$bare" "${@:3}" >"$logs/$name.txt" 2>&1 </dev/null || true
  tail --lines=30 "$logs/$name.txt" | grep --quiet --regexp="$wanted" || {
    result=FAILED
    failed+=("$name")
  }
  printf '%-6s %5d s  %s\n' "$result" $((SECONDS - began)) "$name"
}

# as_visitor SHELL_LINE: no root, no home, no locale.
as_visitor() {
  printf '%s\0' setpriv --reuid=1234 --regid=1234 --clear-groups \
    env HOME=/nowhere LC_ALL=C bash -c "$1"
}

prove_as_visitor() {
  local words
  mapfile -d '' -t words < <(as_visitor "$3")
  prove "$1" "$2" "${words[@]}"
}

renew() {
  make_bare "$suite" "$base"
  rm -rf --one-file-system "$bare" "$logs"
  mkdir -p "$logs" "$bare/srv/$(basename "$(dirname "$odd")")"
  cp --archive "$base/." "$bare"
  git -c safe.directory='*' clone --quiet "$ROOT" "$bare/srv/mmgpt"
  git -c safe.directory='*' clone --quiet "$ROOT" "$bare$odd"
  chown -R 1234:1234 "$bare$odd"
  enter_bare "$bare"
}

works="^Everything works.$"
passed="^=* *[0-9]* passed"  # pytest's last line names failures first
start_display
renew
say "Bare $suite: $(in_bare "$bare" dpkg-query --list | grep --count ^ii) packages."
prove_as_visitor "without root what is missing is named" "sudo apt-get install" \
  "cd '$odd' && installer/run.sh"
prove "README: the app starts and answers" "$works" \
  /srv/mmgpt/installer/run.sh selftest --picture /srv/picture.png
prove "README: every check passes" "$passed" /srv/mmgpt/installer/test.sh
prove "again: the app" "$works" /srv/mmgpt/installer/run.sh selftest
if [[ -f $bare/srv/mmgpt/resources/models/mmgpt-small/adapters.safetensors ]]; then
  prove "mmgpt-small is ready" "^mmgpt-small is ready" /srv/mmgpt/installer/run.sh prepare
fi
cp "$bare/srv/picture.png" "$logs/" || true

in_bare "$bare" apt-get install --yes --quiet --no-install-recommends faketime >/dev/null
past="LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 NO_FAKE_STAT=1"
past="$past FAKETIME='@1970-01-02 03:04:05'"
prove_as_visitor "visitor: in 1970 set-up says why not" "Set the clock" \
  "cd '$odd' && $past installer/run.sh selftest"
prove_as_visitor "visitor: the app" "$works" "cd '$odd' && installer/run.sh selftest"
prove_as_visitor "visitor: in 1970 the app" "$works" \
  "cd '$odd' && $past installer/run.sh selftest"
prove_as_visitor "visitor: in 1970 the checks say why not" "Set the clock" \
  "cd '$odd' && $past installer/test.sh"
_hold "$bare/dev/shm" --types tmpfs --options ro,size=4k none
prove_as_visitor "visitor: without shared memory the app" "$works" \
  "cd '$odd' && installer/run.sh selftest"
prove_as_visitor "visitor: every check passes" "$passed" "cd '$odd' && installer/test.sh"

((${#failed[@]} == 0)) || die "Failed, see $logs: $(printf '%s; ' "${failed[@]}")"
say "Both commands hold in a bare $suite."
