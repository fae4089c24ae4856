# shellcheck shell=bash
# Sourced after common.sh: a bare Debian of its own, by debootstrap, with this machine's display.

DISPLAY_NUMBER=:97
_CERTIFICATES=/etc/ssl/carried.crt
_server=
_mounted=()

# leave_bare: to be called on EXIT.
leave_bare() {
  local place
  [[ -z $_server ]] || kill "$_server" || true
  for place in "${_mounted[@]}"; do umount "$place" || umount --lazy "$place" || true; done
  _server='' _mounted=()
}

install_missing() {
  local entry missing=()
  for entry in "$@"; do
    command -v "${entry#*:}" >/dev/null || missing+=("${entry%%:*}")
  done
  ((${#missing[@]} == 0)) || install_packages "Something that the test needs is missing." \
    "${missing[@]}"
}

start_display() {
  install_missing xvfb:Xvfb
  Xvfb "$DISPLAY_NUMBER" -screen 0 1280x800x24 -nolisten tcp 2>/dev/null &
  _server=$!
  for _ in {1..100}; do
    [[ -S /tmp/.X11-unix/X${DISPLAY_NUMBER#:} ]] && return
    sleep 0.1
  done
  die "Xvfb did not start."
}

# make_bare SUITE FOLDER: that Debian's essential packages and apt.
make_bare() {
  [[ -x $2/usr/bin/apt-get ]] && return
  install_missing debootstrap:debootstrap
  mkdir -p "$2"
  say "Making a bare Debian ($1), once."
  debootstrap --variant=minbase "$1" "$2" ${MIRROR:+"$MIRROR"} >"$2.log" ||
    die "debootstrap failed; $2.log says why. MIRROR names another mirror."
}

# hold PLACE [WHERE]: mounted there until the end.
_hold() {
  mount "${@:2}" "$1"
  _mounted=("$1" "${_mounted[@]}")
}

# enter_bare FOLDER: from here on it has this machine's devices, display and network, and its
# apt and pip fetch as they do here (mirrors, certificates, folders of wheels).
enter_bare() {
  local place
  for place in proc dev tmp/.X11-unix; do
    mkdir -p "$1/$place"
    _hold "$1/$place" --bind "/$place"
  done
  for place in /etc/resolv.conf /etc/hosts /etc/apt/apt.conf.d /etc/pip.conf /etc/xdg/pip; do
    if [[ -e $place ]]; then
      mkdir -p "$1$(dirname "$place")"
      cp --recursive --dereference "$place" "$1$(dirname "$place")/"
    fi
  done
  [[ ! -f ${PIP_CERT:-} ]] || install -D --mode=644 "$PIP_CERT" "$1$_CERTIFICATES"
  for place in ${PIP_FIND_LINKS:-}; do
    if [[ -d $place ]]; then
      mkdir -p "$1$place"
      _hold "$1$place" --bind --options ro "$place"
    fi
  done
}

# in_bare FOLDER COMMAND...: of this machine's environment only the display and pip's settings.
in_bare() {
  local settings=()
  mapfile -t settings < <(env | grep '^PIP_' | grep --invert-match '^PIP_CACHE')
  [[ ! -f $1$_CERTIFICATES ]] || settings+=("PIP_CERT=$_CERTIFICATES")
  chroot "$1" env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive DISPLAY="$DISPLAY_NUMBER" "${settings[@]}" "${@:2}"
}
