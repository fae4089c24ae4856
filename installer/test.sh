#!/usr/bin/env bash
# Everything that CI runs: format, lint, types, import direction, tests. Arguments go to pytest.
set -euo pipefail
# shellcheck source=installer/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

failed=()

# check NAME COMMAND...: a failure is remembered, and the rest still runs.
check() {
  local name=$1
  shift
  say "== $name"
  "$@" || failed+=("$name")
}

require_platform
require_clock "the tests' archives would have no date"
needed=(git "${OFFSCREEN_LIBRARIES[@]}")
# A C compiler, for tests that have no graphics card; without one they are skipped, and say so.
((EUID != 0)) || needed+=(gcc libc6-dev:/usr/include/stdio.h)
require_system "${needed[@]}"
require_environment dev
prepare_small

cd "$ROOT"
PATH=$VENV/bin:$PATH

check "format" ruff format --check
check "lint" ruff check
check "types" mypy
check "import direction" lint-imports
check "tests" python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder "$@"

if ((${#failed[@]})); then
  die "Failed: $(printf '%s; ' "${failed[@]}" | sed 's/; $//')."
fi
