# shellcheck shell=bash
# Sourced by run.sh and test.sh: from a bare Debian or Ubuntu to a .venv with pinned packages.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$ROOT/.venv
PINS=$ROOT/installer/requirements
PATH=$PATH:/usr/sbin:/sbin # ldconfig, for users who are not root

# Debian package and a library of it that shows whether it is there.
OFFSCREEN_LIBRARIES=(
  libgl1:libGL.so.1
  libegl1:libEGL.so.1
  libxkbcommon0:libxkbcommon.so.0
  libglib2.0-0:libglib-2.0.so.0
  libfontconfig1:libfontconfig.so.1
  libdbus-1-3:libdbus-1.so.3
)
# shellcheck disable=SC2034 # run.sh uses it
SCREEN_LIBRARIES=(
  "${OFFSCREEN_LIBRARIES[@]}"
  libxcb-cursor0:libxcb-cursor.so.0
  libxkbcommon-x11-0:libxkbcommon-x11.so.0
  libxcb-icccm4:libxcb-icccm.so.4
  libxcb-keysyms1:libxcb-keysyms.so.1
  libxcb-shape0:libxcb-shape.so.0
)
# shellcheck disable=SC2034 # run.sh uses it
CAMERA_LIBRARY=libpulse0:libpulse.so.0

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$@"
  exit 1
}

require_platform() {
  [[ $(uname -sm) == "Linux x86_64" ]] ||
    die "This script is for Linux on x86_64. The README has the lines for other systems."
}

# install_packages WHY PACKAGE...: by apt-get when root, else say what to type and stop.
install_packages() {
  local why=$1
  shift
  if ! command -v apt-get >/dev/null; then
    die "$why Debian calls the packages: $*. Install their like with your package manager," \
      "then run this again."
  fi
  if [[ $EUID -ne 0 ]]; then
    say "$why Install what is missing, then run this again:"
    die "  sudo apt-get install --no-install-recommends $*"
  fi
  say "$why Installing: $*"
  local install=(env DEBIAN_FRONTEND=noninteractive
    apt-get install --yes --quiet --no-install-recommends "$@")
  if ! apt-cache show "$@" >/dev/null 2>&1 || ! "${install[@]}" >&2; then
    # The package lists are empty or too old.
    { apt-get update --quiet && "${install[@]}"; } >&2 ||
      die "The packages could not be installed; the lines above say why."
  fi
}

# Sets PYTHON (which may name another interpreter than python3) and sees to everything that
# comes from the system, at once: require_system COMMAND_OR_PACKAGE:LIBRARY_OR_/FILE...
require_system() {
  local entry known missing=()
  known=$(ldconfig -p)
  PYTHON=${PYTHON:-python3}
  if ! command -v "$PYTHON" >/dev/null; then
    missing+=(python3 python3-venv)
  elif ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    die "$PYTHON is $("$PYTHON" --version 2>&1), but 3.11 or newer is needed." \
      "Name another one: PYTHON=python3.12 $0"
  elif ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    missing+=(python3-venv)
  fi
  for entry in "$@"; do
    if [[ $entry == *:/* ]]; then
      [[ -e ${entry#*:} ]] || missing+=("${entry%%:*}")
    elif [[ $entry == *:* ]]; then
      [[ $known == *"${entry#*:} "* ]] || missing+=("${entry%%:*}")
    else
      command -v "$entry" >/dev/null || missing+=("$entry")
    fi
  done
  if ((${#missing[@]})); then
    install_packages "Something that MMGPT Desktop needs from the system is missing." \
      "${missing[@]}"
  fi
}

# hint_library WHAT_NEEDS_IT PACKAGE:LIBRARY: where all else works without it, it is only named.
hint_library() {
  [[ $(ldconfig -p) == *"${2#*:} "* ]] ||
    say "$1 needs a library that is missing; all else works." \
      "To install it: sudo apt-get install ${2%%:*}"
}

# The driver of a graphics card of NVIDIA's; what the card is, the app asks.
has_driver() {
  [[ $(ldconfig -p) == *"libcuda.so.1 "* ]]
}

# What .venv was made from: another lock file, project file, Python, place or driver makes it stale.
fingerprint() {
  { cat "$PINS-"{"$1",cpu,card,cuda}.txt "$ROOT/pyproject.toml" && "$PYTHON" -VV &&
    printf '%s' "$ROOT" && { ! has_driver || printf driver; }; } |
    sha256sum | cut --delimiter=' ' --fields=1
}

# A moved folder or a new Python leaves scripts and packages behind that can't be found.
venv_works() {
  "$VENV/bin/python" -m pip --version && grep --fixed-strings "$VENV" "$VENV/bin/activate"
} &>/dev/null

# pinned KIND [OPTION...]: what that file pins and nothing else, each with a hash that stands there.
pinned() {
  local pip=("$VENV/bin/python" -m pip --disable-pip-version-check install --no-deps)
  [[ -t 2 ]] || pip+=(--quiet)
  "${pip[@]}" --require-hashes --requirement "$PINS-$1.txt" "${@:2}"
}

# PyPI's PyTorch for Linux comes with CUDA, whose libraries are packages of their own.
torch_is_with_cuda() {
  "$VENV/bin/python" -c 'import sys; from importlib.metadata import requires
sys.exit(not any(line.startswith(("cuda", "nvidia")) for line in requires("torch") or ()))'
}

# A CPU build in pip's own folder of wheels (PIP_FIND_LINKS), if there is one, saves 4 GB; what
# ONNX Runtime needs for a graphics card comes where there is one.
pinned_packages() {
  pinned cpu --no-index &>/dev/null || true
  pinned "$1" || return
  if torch_is_with_cuda; then
    pinned card && pinned cuda
  elif has_driver; then
    pinned card
  fi
}

# What will answer, and why it isn't the graphics card, as the doctor finds it.
say_what_answers() {
  "$VENV/bin/mmgpt-desktop" doctor | sed '/^Runtime: /,$!d; /^Libraries: /,$d' >&2 || true
}

# require_clock WHY_NOT: certificates and archives have dates.
require_clock() {
  (($(date +%Y) >= 2026)) ||
    die "This computer's clock says $(date +%F), so that $1. Set the clock, then run this again."
}

require_writable() {
  [[ -w $1 ]] || die "$1 can't be written, and the packages go there." \
    "Copy this folder to a place of yours, then run it there."
}

# The editable install names this folder by its path, which Python can't read in every locale
# (LC_ALL=C with Chinese characters in it); seen from there it is always the same.
name_by_way_back() {
  printf '../../../..\n' | tee "$VENV"/lib/python*/site-packages/_mmgpt_desktop.pth >/dev/null
}

# require_environment app|dev: creates .venv or brings it up to date; quick when nothing changed.
require_environment() {
  local wanted=$1 stamp=$VENV/mmgpt-$1.stamp now
  now=$(fingerprint "$wanted")
  if [[ -x $VENV/bin/python && -f $stamp && $(<"$stamp") == "$now" ]]; then
    return
  fi
  [[ ! -L $VENV ]] ||
    die "$VENV is a link to another environment, which would be overwritten. Remove the link."
  require_writable "$ROOT"
  require_clock "no download can be trusted"
  say "Setting up .venv, once: 2.5 GB of packages, 6.5 GB where PyTorch comes with CUDA." \
    "This takes a few minutes."
  venv_works || "$PYTHON" -m venv --clear "$VENV"
  rm -f "$VENV"/mmgpt-*.stamp
  { pinned_packages "$wanted" &&
    "$VENV/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps \
      --no-build-isolation --editable "$ROOT" && name_by_way_back; } >&2 ||
    die "The Python packages could not be installed; the lines above say why." \
      "The network is needed this once."
  printf '%s\n' "$now" >"$stamp"
  say_what_answers
  if [[ $wanted == dev ]]; then # the app's packages are a part of the developers'
    fingerprint app >"$VENV/mmgpt-app.stamp"
  fi
}

fetch_language() {
  pinned language &>/dev/null || true # what then is missing, `mmgpt-desktop prepare` says
}

# Puts mmgpt-small together where its parts have changed. Without it mmgpt-mini answers, so nothing
# depends on it, and what failed is tried again by `run.sh prepare` alone.
prepare_small() {
  local stamp=$VENV/mmgpt-small.stamp small=$ROOT/resources/models/mmgpt-small now
  [[ -f $small/adapters.safetensors && -w $VENV ]] || return 0
  now=$(cat "$PINS-language.txt" "$small"/* "$ROOT/resources/models/mmgpt-mini/manifest.json" \
    "$ROOT/mmgpt_desktop/embedded.py" | sha256sum)
  [[ ! -f $stamp || $(<"$stamp") != "$now" ]] || return 0
  say "Putting mmgpt-small together, once: a language model of 93 MB, and about a minute."
  fetch_language
  "$VENV/bin/mmgpt-desktop" prepare >&2 || say "mmgpt-mini answers without it."
  printf '%s\n' "$now" >"$stamp"
}
