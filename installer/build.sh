#!/usr/bin/env bash
# Builds the application folder, the .deb and the AppImage into dist/. It can be run again.
set -euo pipefail
# shellcheck source=installer/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Header or static library of a package, for the program that an AppImage begins with.
BUILD_FILES=(
  libsquashfuse-dev:/usr/include/squashfuse/ll.h
  libfuse3-dev:/usr/include/fuse3/fuse_lowlevel.h
  zlib1g-dev:/usr/include/zlib.h
  liblzma-dev:/usr/include/lzma.h
  libzstd-dev:/usr/include/zstd.h
  liblz4-dev:/usr/include/lz4.h
  liblzo2-dev:/usr/include/lzo/lzo1x.h
  libc6-dev:/usr/include/stdio.h
  squashfs-tools:/usr/bin/mksquashfs
  binutils:/usr/bin/objdump
)

require_platform
require_system gcc dpkg-deb "${SCREEN_LIBRARIES[@]}" "$CAMERA_LIBRARY"
missing=()
for entry in "${BUILD_FILES[@]}"; do
  [[ -e ${entry#*:} ]] || missing+=("${entry%%:*}")
done
if ((${#missing[@]})); then
  install_packages "Something that builds the bundle is missing." "${missing[@]}"
fi
exec "$PYTHON" "$ROOT/installer/build.py" "$@"
