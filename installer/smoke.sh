#!/usr/bin/env bash
# Tries what build.sh made where nothing of this checkout, its Python or its packages is:
#   installer/smoke.sh dist/mmgpt-desktop_0.1.0_amd64.deb      (or the .AppImage, or the folder)
# As root in a bare Debian 12 of its own (by debootstrap, kept in build), else, or with
# BARE=no, in this system with an empty environment and home. The app starts under Xvfb, answers
# the built-in question, shows heatmaps and ends; a picture of the window goes to build/smoke.png.
# mmgpt-small is asked once, if it was packed.
set -euo pipefail
# shellcheck source=installer/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# shellcheck source=installer/chroot.sh
source "$ROOT/installer/chroot.sh"

artefact=$(realpath "${1:?which file or folder?}")
bare=$ROOT/build/smoke-bookworm
picture=$ROOT/build/smoke.png
photo=$ROOT/resources/samples/cat.jpg
home=$(mktemp --directory)
trap 'leave_bare; rm -rf "$home"' EXIT

smoke_in_bare() {
  local program
  make_bare bookworm "$bare"
  enter_bare "$bare"
  in_bare "$bare" apt-get update --quiet >/dev/null
  rm -rf "$bare/smoke" && mkdir "$bare/smoke"
  if [[ -d $artefact ]]; then
    cp -r "$artefact" "$bare/smoke/app"
    program=/smoke/app/mmgpt-desktop
  else
    cp "$artefact" "$bare/smoke/"
    program=/smoke/$(basename "$artefact")
  fi
  if [[ $artefact == *.deb ]]; then
    in_bare "$bare" apt-get install --yes --quiet --no-install-recommends "$program" >/dev/null
    program=mmgpt-desktop
  else
    in_bare "$bare" apt-get install --yes --quiet --no-install-recommends \
      libegl1 libgl1 libopengl0 fontconfig fonts-dejavu-core >/dev/null
  fi
  time in_bare "$bare" "$program" selftest --picture /smoke/picture.png
  cp "$photo" "$bare/smoke/photo.jpg"
  ask_small in_bare "$bare" "$program" /smoke/photo.jpg
  cp "$bare/smoke/picture.png" "$picture"
  if [[ $artefact == *.deb ]]; then check_purge; fi
}

# What the package brought is gone with it, and what the user made stays.
check_purge() {
  local left
  in_bare "$bare" mkdir -p /root/.local/share/mmgpt-desktop
  in_bare "$bare" touch /root/.local/share/mmgpt-desktop/mine.mmgpt
  in_bare "$bare" dpkg --purge mmgpt-desktop >/dev/null
  left=$(in_bare "$bare" find / -xdev -not -path '/proc/*' -not -path '/smoke/*' -iname '*mmgpt*' \
    -not -path '/root/.local/share/mmgpt-desktop*' -not -path '/var/lib/apt/*')
  [[ -z $left ]] || die "Left behind: $left"
  [[ -f $bare/root/.local/share/mmgpt-desktop/mine.mmgpt ]] || die "The user's session is gone."
  say "Purged; only the user's sessions are left."
}

with_nothing() {
  env -i PATH=/usr/bin:/bin LANG=C.UTF-8 HOME="$home/home" DISPLAY="$DISPLAY_NUMBER" "$@"
}

# ask_small HOW... PROGRAM PHOTO
ask_small() {
  local how=("${@:1:$#-1}")
  if [[ $("${how[@]}" doctor) == *"Embedded models: mmgpt-mini, mmgpt-small;"* ]]; then
    say "mmgpt-small: $("${how[@]}" ask --model mmgpt-small "${*: -1}" "What is this?")"
  else
    say "mmgpt-small was not packed."
  fi
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
  (cd "$home/home" && time with_nothing "$program" selftest --picture "$picture")
  ask_small with_nothing "$program" "$photo"
  local left
  left=$(find "$home/home" -mindepth 1 -not -path '*/.cache/fontconfig*' -not -name .cache)
  [[ -z $left ]] || die "It left in the home: $left"
}

start_display
du --summarize --block-size=MB "$artefact"
if [[ $EUID -eq 0 && ${BARE:-yes} == yes ]]; then
  smoke_in_bare
else
  smoke_here
fi
say "The artefact works."
