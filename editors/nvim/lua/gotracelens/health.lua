--- `:checkhealth gotracelens`: everything that decides whether a trace is recognized and answered, in that order.
local config = require("gotracelens.config")
local detect = require("gotracelens.detect")

local M = {}

local api = vim.api
local health = vim.health
--- Milliseconds the server gets to say its version.
local VERSION_TIMEOUT = 5000

local function check_neovim()
  health.start("Neovim")
  local version = tostring(vim.version())
  if vim.fn.has("nvim-0.11") == 1 then
    health.ok("Neovim " .. version)
  else
    health.error("Neovim " .. version .. " is too old", "Install Neovim 0.11 or newer.")
  end
end

local function check_settings()
  health.start("Settings")
  local _, problems = config.read()
  for _, problem in ipairs(problems) do
    health.warn("vim.g.gotracelens: " .. problem, "See :help gotracelens-settings")
  end
  if #problems == 0 then
    health.ok(vim.g.gotracelens and "vim.g.gotracelens is valid" or "vim.g.gotracelens is not set, defaults are used")
  end
end

--- The first line a program prints for `--version`.
---@param path string
---@return string? version
---@return string? problem
local function version_of(path)
  local is_started, process = pcall(vim.system, { path, "--version" }, { text = true, timeout = VERSION_TIMEOUT })
  if not is_started then
    return nil, tostring(process)
  end
  local result = process:wait()
  local version = vim.trim(vim.split(result.stdout or "", "\n", { plain = true })[1])
  if result.code == 0 and version ~= "" then
    return version
  end
  return nil, ("exit status %d, printed %q"):format(result.code, version)
end

local function check_server()
  health.start("Server")
  local server, problem = config.find_server()
  local path = server and server.path
  local cmd = vim.lsp.config.gotracelens.cmd
  if cmd ~= require("gotracelens.client").start_server then
    health.info("the client's cmd was changed by vim.lsp.config(): " .. vim.inspect(cmd))
    path = type(cmd) == "table" and vim.fn.exepath(cmd[1]) or nil
    problem = "cannot be checked"
  elseif server then
    health.ok(("found %s (from %s)"):format(server.path, server.source))
  end
  if not path or path == "" then
    health.error("server not found: " .. problem, {
      "Put gotracelens into a directory of $PATH (cargo install --path server/gotracelens),",
      "or set its absolute path: vim.g.gotracelens = { server = { path = '...' } }; then :Gotracelens restart.",
    })
    return
  end
  local version, version_problem = version_of(path)
  if version then
    health.ok("version: " .. version)
  else
    health.warn("does not answer --version: " .. version_problem, "Is this the gotracelens program?")
  end
end

local function check_detection()
  health.start("Detection")
  if not vim.g.did_load_filetypes then
    health.warn("file type detection is off, traces are not recognized", "Use :filetype on, or :set filetype=gotrace.")
    return
  end
  local other = vim.filetype.match({ filename = "app.log" })
  if not other then
    health.ok("*.log files are recognized by their content")
  elseif vim.list_contains(detect.host_filetypes, other) then
    health.ok(("*.log files keep the file type %q another rule gives them; traces among them are attached"):format(other))
  else
    health.warn(("*.log files get the file type %q from another rule"):format(other), {
      "To attach there too: vim.lsp.config('gotracelens', { filetypes = { 'gotrace', '" .. other .. "' } }).",
    })
  end
end

---@param bufnr integer
---@return string
local function name_of(bufnr)
  local name = api.nvim_buf_get_name(bufnr)
  return name == "" and ("buffer %d"):format(bufnr) or vim.fn.fnamemodify(name, ":~:.")
end

---@param bufnr integer
local function check_buffer(bufnr)
  local name, filetype = name_of(bufnr), vim.bo[bufnr].filetype
  local client = vim.lsp.get_clients({ bufnr = bufnr, name = "gotracelens" })[1]
  if client then
    local server = client.server_info or {}
    health.ok(
      ("%s: client %d attached (%s %s)"):format(name, client.id, server.name or "server", server.version or "without a version")
    )
  elseif filetype == "bigfile" then
    health.warn(name .. ": a plugin for big files has given it the file type bigfile, so no server is attached", {
      "Raise the limit of that plugin (snacks.nvim: bigfile.size),",
      "or attach there too: vim.lsp.config('gotracelens', { filetypes = { 'gotrace', 'log', 'text', 'bigfile' } }).",
    })
  elseif filetype == "" then
    health.warn(name .. ": holds a trace, but has no file type", ":set filetype=gotrace")
  else
    health.warn(("%s: holds a trace, but no client is attached (file type %q)"):format(name, filetype), {
      "See the server section above and :Gotracelens log; try :Gotracelens restart.",
    })
  end
end

local function check_buffers()
  health.start("Buffers")
  if not vim.lsp.is_enabled("gotracelens") then
    health.warn("the client is disabled", "vim.lsp.enable('gotracelens')")
  end
  local n_traces = 0
  for _, bufnr in ipairs(api.nvim_list_bufs()) do
    if vim.bo[bufnr].buftype == "" and detect.is_trace(bufnr) then
      n_traces = n_traces + 1
      check_buffer(bufnr)
    end
  end
  if n_traces == 0 then
    health.info("no loaded buffer holds a Go runtime trace")
  end
  local snacks = rawget(_G, "Snacks")
  local bigfile = snacks and vim.tbl_get(snacks, "config", "bigfile") or nil
  if type(bigfile) == "table" and bigfile.enabled then
    health.info(
      ("snacks.nvim turns files above %s bytes into the file type bigfile, where no server is attached"):format(
        bigfile.size or "some"
      )
    )
  end
end

--- Called by `:checkhealth`.
function M.check()
  check_neovim()
  if vim.fn.has("nvim-0.11") == 0 then
    return
  end
  check_settings()
  check_server()
  check_detection()
  check_buffers()
end

return M
