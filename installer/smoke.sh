#!/usr/bin/env bash
# Tries what build.sh made where nothing of this checkout, its Python or its packages is:
#   installer/smoke.sh dist/mmgpt-desktop_0.1.0_amd64.deb      (or the .AppImage, or the folder)
# As root in a bare Debian 12 of its own (by debootstrap, kept in build/bare), else, or with
# BARE=no, in this system with an empty environment and home. The app starts under Xvfb, answers
# the built-in question, shows heatmaps and ends; a picture of the window goes to build/smoke.png.
set -euo pipefail
# shellcheck source=installer/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

artefact=$(realpath "${1:?which file or folder?}")
bare=$ROOT/build/bare
picture=$ROOT/build/smoke.png
display=:97
home=$(mktemp --directory)
server=
mounted=()

clean_up() {
  [[ -z $server ]] || kill "$server" || true
  for place in "${mounted[@]}"; do umount "$place" || true; done
  rm -rf "$home"
}
trap clean_up EXIT

install_missing() {
  local entry missing=()
  for entry in "$@"; do
    command -v "${entry#*:}" >/dev/null || missing+=("${entry%%:*}")
  done
  ((${#missing[@]} == 0)) || install_packages "Something that the test needs is missing." \
    "${missing[@]}"
}

start_display() {
  Xvfb "$display" -screen 0 1280x800x24 -nolisten tcp 2>/dev/null &
  server=$!
  for _ in {1..100}; do
    [[ -S /tmp/.X11-unix/X${display#:} ]] && return
    sleep 0.1
  done
  die "Xvfb did not start."
}

# A Debian with its essential packages and what `apt-get install ./x.deb` needs.
make_bare() {
  [[ -x $bare/usr/bin/apt-get ]] && return
  say "Making a bare Debian 12, once."
  debootstrap --variant=minbase bookworm "$bare" ${MIRROR:+"$MIRROR"} >"$ROOT/build/bare.log" ||
    die "debootstrap failed; build/bare.log says why. MIRROR names another mirror."
}

# The window's own libraries of the system, which an AppImage takes from the desktop it runs on.
in_bare() { chroot "$bare" env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C.UTF-8 \
  DEBIAN_FRONTEND=noninteractive "$@"; }

smoke_in_bare() {
  local program place
  make_bare
  for place in proc dev tmp/.X11-unix; do
    mkdir -p "$bare/$place"
    mount --bind "/$place" "$bare/$place"
    mounted=("$bare/$place" "${mounted[@]}")
  done
  cp /etc/resolv.conf /etc/hosts "$bare/etc/" 2>/dev/null || true
  rm -f "$bare/etc/apt/sources.list"
  for place in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d; do
    [[ ! -e $place ]] || cp -r "$place" "$bare/etc/apt/"
  done
  in_bare apt-get update --quiet >/dev/null
  rm -rf "$bare/smoke" && mkdir "$bare/smoke"
  if [[ -d $artefact ]]; then
    cp -r "$artefact" "$bare/smoke/app"
    program=/smoke/app/mmgpt-desktop
  else
    cp "$artefact" "$bare/smoke/"
    program=/smoke/$(basename "$artefact")
  fi
  if [[ $artefact == *.deb ]]; then
    in_bare apt-get install --yes --quiet --no-install-recommends "$program" >/dev/null
    program=mmgpt-desktop
  else
    in_bare apt-get install --yes --quiet --no-install-recommends \
      libegl1 libgl1 libopengl0 fontconfig fonts-dejavu-core >/dev/null
  fi
  time in_bare DISPLAY="$display" "$program" selftest --picture /smoke/picture.png
  cp "$bare/smoke/picture.png" "$picture"
  if [[ $artefact == *.deb ]]; then check_purge; fi
}

# What the package brought is gone with it, and what the user made stays.
check_purge() {
  local left
  in_bare mkdir -p /root/.local/share/mmgpt-desktop
  in_bare touch /root/.local/share/mmgpt-desktop/mine.mmgpt
  in_bare dpkg --purge mmgpt-desktop >/dev/null
  left=$(in_bare find / -xdev -not -path '/proc/*' -not -path '/smoke/*' -iname '*mmgpt*' \
    -not -path '/root/.local/share/mmgpt-desktop*' -not -path '/var/lib/apt/*')
  [[ -z $left ]] || die "Left behind: $left"
  [[ -f $bare/root/.local/share/mmgpt-desktop/mine.mmgpt ]] || die "The user's session is gone."
  say "Purged; only the user's sessions are left."
}

smoke_here() {
  local program=$artefact
  case $artefact in
    *.deb)
      dpkg-deb --extract "$artefact" "$home/root"
      program=$home/root/usr/bin/mmgpt-desktop
      ;;
    *) [[ ! -d $artefact ]] || program=$artefact/mmgpt-desktop ;;
  esac
  mkdir "$home/home"
  (cd "$home/home" && time env -i PATH=/usr/bin:/bin LANG=C.UTF-8 HOME="$home/home" \
    DISPLAY="$display" "$program" selftest --picture "$picture")
  local left
  left=$(find "$home/home" -mindepth 1 -not -path '*/.cache/fontconfig*' -not -name .cache)
  [[ -z $left ]] || die "It left in the home: $left"
}

install_missing xvfb:Xvfb
start_display
du --summarize --block-size=MB "$artefact"
if [[ $EUID -eq 0 && ${BARE:-yes} == yes ]]; then
  install_missing debootstrap:debootstrap
  smoke_in_bare
else
  smoke_here
fi
say "The artefact works."
