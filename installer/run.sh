#!/usr/bin/env bash
# Starts MMGPT Desktop; sets it up first where that is needed. Arguments go to mmgpt-desktop.
set -euo pipefail
# shellcheck source=installer/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The commands that print open no window, so they need neither a display nor its libraries.
opens_window() {
  case ${1:-} in
    ask | draw | bench | doctor | evaluate | event-pin | explain | export | faithfulness | prepare | teach) return 1 ;;
    -h | --help | --version) return 1 ;;
  esac
}

require_platform
needed=()
if opens_window "$@"; then
  if [[ -z ${DISPLAY:-}${WAYLAND_DISPLAY:-}${QT_QPA_PLATFORM:-} ]]; then
    die "There is no display here, and the window needs one." \
      "Start it from a desktop session, or ask on the command line:" \
      "installer/run.sh ask PHOTO \"What is happening here?\""
  fi
  needed=("${SCREEN_LIBRARIES[@]}")
fi
require_system "${needed[@]}"
if opens_window "$@"; then
  hint_library "The camera" "$CAMERA_LIBRARY"
fi
require_environment app
if [[ ${1:-} == prepare ]]; then fetch_language; else prepare_small; fi
exec "$VENV/bin/mmgpt-desktop" "$@"
