--- The language client: which buffers it is attached to, what is switched on there, restart and information.
local config = require("gotracelens.config")
local detect = require("gotracelens.detect")

local M = {}

local api = vim.api
local NAME = "gotracelens"
--- File types of files in which GODEBUG is set.
M.godebug_filetypes = {
  "bash",
  "dockerfile",
  "env",
  "go",
  "gomod",
  "gowork",
  "make",
  "sh",
  "systemd",
  "yaml",
  "yaml.docker-compose",
  "yaml.gitlab",
  "yaml.helm-values",
  "zsh",
}
--- Milliseconds a server gets to leave before it is ended.
local STOP_TIMEOUT = 3000

---@param text string
---@param level integer
local function notify(text, level)
  vim.notify("gotracelens: " .. text, level)
end

--- The `cmd` of the client: looks for the server at every start, so that changed settings count after a restart.
---@param dispatchers vim.lsp.rpc.Dispatchers
---@param lsp_config vim.lsp.ClientConfig
---@return vim.lsp.rpc.PublicClient
function M.start_server(dispatchers, lsp_config)
  local server = assert(config.find_server(), "root_dir lets no buffer pass without a server")
  return vim.lsp.rpc.start({ server.path, "lsp" }, dispatchers, {
    cwd = lsp_config.cmd_cwd,
    env = lsp_config.cmd_env,
    detached = lsp_config.detached,
  })
end

--- The `before_init` of the client: hands the settings over. Those given to `vim.lsp.config()` win.
---@param params lsp.InitializeParams
---@param lsp_config vim.lsp.ClientConfig
function M.before_init(params, lsp_config)
  local given = vim.tbl_get(lsp_config, "settings", "gotracelens") or {}
  local settings = vim.tbl_deep_extend("force", config.server_settings(), given)
  lsp_config.settings.gotracelens = settings
  -- Not a setting: what the server may put into lenses and actions. Hovers have no links to pages: see gotracelens.pages.
  local options = { commands = require("gotracelens.places").commands() }
  params.initializationOptions = vim.tbl_extend("keep", options, settings)
end

---@param bufnr integer
---@return boolean
local function is_godebug_file(bufnr)
  return vim.list_contains(M.godebug_filetypes, vim.bo[bufnr].filetype)
end

--- The `root_dir` of the client: answers only for a buffer that holds a trace, or that sets GODEBUG where the user wants
--- help with that, and only when there is a server to start.
---@param bufnr integer
---@param on_dir fun(root_dir?: string)
function M.root_dir(bufnr, on_dir)
  if vim.list_contains(detect.host_filetypes, vim.bo[bufnr].filetype) and not detect.is_trace(bufnr) then
    return
  end
  if is_godebug_file(bufnr) and not config.read()["godebug.enable"] then
    return
  end
  config.report_problems()
  local server, problem = config.find_server()
  -- With a command of the user's own it is not ours to say whether it can be started.
  if not server and vim.lsp.config[NAME].cmd == M.start_server then
    vim.notify_once(
      ("gotracelens: server not started: %s; see :checkhealth gotracelens"):format(problem),
      vim.log.levels.WARN
    )
    return
  end
  on_dir(vim.fs.root(bufnr, vim.lsp.config[NAME].root_markers or {}))
end

--- Lets Neovim decide again whether the enabled client belongs to a buffer.
---@param bufnr integer
function M.attach(bufnr)
  if vim.lsp.is_enabled(NAME) then
    api.nvim_exec_autocmds("FileType", { group = "nvim.lsp.enable", buffer = bufnr, modeline = false })
  end
end

--- Switches on in a buffer what Neovim leaves off, and adds the command.
---@param client vim.lsp.Client
---@param bufnr integer
function M.on_attach(client, bufnr)
  require("gotracelens.commands").create(bufnr)
  require("gotracelens.float").enable(bufnr)
  require("gotracelens.places").enable(client)
  local settings = config.read()
  if is_godebug_file(bufnr) then
    return
  end
  if settings["codelens.enable"] and client:supports_method("textDocument/codeLens", bufnr) then
    require("gotracelens.codelens").enable(client, bufnr)
  end
  local wants_hints = settings["summary.where"] == "inlay"
    or vim.iter(settings):any(function(name, value)
      return vim.startswith(name, "inlayHints.") and value == true
    end)
  if wants_hints and client:supports_method("textDocument/inlayHint", bufnr) then
    vim.lsp.inlay_hint.enable(true, { bufnr = bufnr })
  end
end

--- The `on_init` of the client: writes which server was started to Neovim's LSP log.
---@param client vim.lsp.Client
function M.log_start(client)
  local server, info = config.find_server(), client.server_info or {}
  local origin = server and ("%s (from %s)"):format(server.path, server.source) or "a command given to vim.lsp.config()"
  vim.lsp.log.info(NAME, "started", origin, info.name, info.version)
end

--- Tells the server that a file of settings was written: Neovim watches no files where the system has no way to.
---@param path string
function M.settings_written(path)
  local change = { uri = vim.uri_from_fname(path), type = vim.lsp.protocol.FileChangeType.Changed }
  for _, client in ipairs(vim.lsp.get_clients({ name = NAME })) do
    client:notify("workspace/didChangeWatchedFiles", { changes = { change } })
    -- Neovim 0.11 cannot be told by the server to ask again.
    local can_be_told = vim.tbl_get(client.capabilities, "workspace", "diagnostics", "refreshSupport")
    for bufnr in pairs(client.attached_buffers) do
      if not can_be_told and client:supports_method("textDocument/diagnostic", bufnr) then
        client:request("textDocument/diagnostic", { textDocument = { uri = vim.uri_from_bufnr(bufnr) } }, nil, bufnr)
      end
      require("gotracelens.codelens").refresh(bufnr)
    end
  end
end

---@param clients vim.lsp.Client[]
---@return boolean
local function are_stopped(clients)
  return vim.iter(clients):all(function(client)
    return client:is_stopped()
  end)
end

--- Stops every server of ours and starts them again for all buffers that hold a trace.
function M.restart()
  local clients = vim.lsp.get_clients({ name = NAME })
  for _, client in ipairs(clients) do
    client:stop()
  end
  local started = vim.uv.now()
  local function try()
    if not are_stopped(clients) then
      if vim.uv.now() - started > STOP_TIMEOUT then
        for _, client in ipairs(clients) do
          client:stop(true)
        end
      end
      vim.defer_fn(try, 50)
      return
    end
    for _, bufnr in ipairs(api.nvim_list_bufs()) do
      if api.nvim_buf_is_loaded(bufnr) then
        M.attach(bufnr)
      end
    end
  end
  try()
end

--- Opens the log Neovim keeps of all language clients, at its end.
function M.open_log()
  vim.cmd.split({ args = { vim.lsp.log.get_filename() }, magic = { file = false } })
  vim.cmd.normal({ args = { "G" }, bang = true })
end

--- What `:Gotracelens info` says, one line each.
---@return string[]
function M.info()
  local lines = {}
  local server, problem = config.find_server()
  lines[#lines + 1] = "server: " .. (server and ("%s (from %s)"):format(server.path, server.source) or problem)
  for name, value in vim.spairs((config.read())) do
    lines[#lines + 1] = ("setting: %s = %s"):format(name, vim.inspect(value))
  end
  local clients = vim.lsp.get_clients({ name = NAME })
  if #clients == 0 then
    lines[#lines + 1] = "no client is running"
  end
  for _, client in ipairs(clients) do
    local info = client.server_info or {}
    lines[#lines + 1] = ("client %d: %s %s, root %s, positions in %s, %d buffers"):format(
      client.id,
      info.name or "unnamed server",
      info.version or "of unknown version",
      client.root_dir or "none",
      client.offset_encoding,
      vim.tbl_count(client.attached_buffers)
    )
  end
  return lines
end

--- Shows `info()` to the user.
function M.show_info()
  notify(table.concat(M.info(), "\n"), vim.log.levels.INFO)
end

return M
