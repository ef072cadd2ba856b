--- The client configuration Neovim reads for `vim.lsp.enable("gotracelens")`; change it with `vim.lsp.config()`.
local client = require("gotracelens.client")

---@type vim.lsp.Config
return {
  -- Starts `gotracelens lsp`, found by vim.g.gotracelens.server.path or in $PATH.
  cmd = client.start_server,
  -- In "log" and "text" only buffers whose content is a trace are attached, and files that set GODEBUG only where
  -- vim.g.gotracelens.godebug.enable is true: see root_dir.
  filetypes = vim.iter({ "gotrace", require("gotracelens.detect").host_filetypes, client.godebug_filetypes }):flatten():totable(),
  root_markers = { "gotracelens.toml", "go.mod", ".git" },
  root_dir = client.root_dir,
  settings = {},
  -- Neovim makes and edits files in one go, but does not say so of itself: without it nothing can be muted.
  capabilities = { workspace = { workspaceEdit = { documentChanges = true } } },
  before_init = client.before_init,
  on_init = client.log_start,
}
