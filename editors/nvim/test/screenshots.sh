#!/bin/sh
# Pictures of what a user of Neovim sees: the real TUI in tmux, its cells dumped with their colors, drawn by chromium.
#   screenshots.sh DIR
# Called by run.sh --shots, which sets the environment. Writes NAME.png and NAME.txt for each picture.
set -eu
out=$1
here=$(cd "$(dirname "$0")" && pwd)
browser=${CHROMIUM:-chromium}
for tool in tmux aha "$browser"; do
  command -v "$tool" >/dev/null || { echo "missing: $tool, for screenshots" >&2; exit 3; }
done
socket=gotracelens-$$
trap 'tmux -L $socket kill-server 2>/dev/null || true' EXIT
export LANG=C.UTF-8 COLORTERM=truecolor

init=$GOTRACELENS_TEST_FILES/screenshot.lua
cat >"$init" <<LUA
vim.o.termguicolors, vim.o.number = true, true
vim.opt.runtimepath:prepend("${here%/test}")
vim.g.gotracelens = { server = { path = "$GOTRACELENS_TEST_SERVER" } }
vim.diagnostic.config({ virtual_lines = { current_line = true } })
LUA

# shot NAME LOG KEYS...: opens a log below the folder of logs, types the keys one after the other.
shot() {
  name=$1 log=$GOTRACELENS_TEST_LOGS/$2
  shift 2
  tmux -L "$socket" -f /dev/null new-session -d -x 150 -y 26 \
    "TERM=tmux-256color '$GOTRACELENS_TEST_NVIM' -n -i NONE -u '$init' '$log'"
  tmux -L "$socket" set -g status off \; set -ga terminal-overrides ',*:RGB'
  sleep 3
  for keys in "$@"; do
    tmux -L "$socket" send-keys "$keys"
    sleep 1
  done
  tmux -L "$socket" capture-pane -p >"$out/$name.txt"
  tmux -L "$socket" capture-pane -p -e | aha --black --title "$name" |
    sed 's/<pre>/<pre style="font:14px DejaVu Sans Mono,monospace;margin:8px">/' >"$GOTRACELENS_TEST_FILES/$name.html"
  "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1300,480 \
    --screenshot="$out/$name.png" "file://$GOTRACELENS_TEST_FILES/$name.html" 2>/dev/null
  tmux -L "$socket" kill-server
}

heap=long/1.24.11-heapleak-p4-s6716.log
shot heap-lens "$heap"
shot heap-hover "$heap" '3Gf%' 'K'
shot heap-diagnostic "$heap" 'G' '[d'
shot sched "runs/1.24.11/runqueue_overload-sched100-p1-s391.log" '2Gf=' 'K'
shot docker "wrapped/docker-json-gc0-1.18.10-heapleak.log" '2Gf@' 'K'
shot health "$heap" ':checkhealth gotracelens' 'Enter'
