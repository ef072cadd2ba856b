--- The settings of the plugin: `vim.g.gotracelens`, checked, with defaults, and where the server is found.
---
--- There is no `setup()`. The table is read when the server starts, so it may be set anywhere in the user's files.
--- A wrong value or an unknown key never stops the plugin: it is reported once and by `:checkhealth gotracelens`.
local M = {}

---@class (exact) gotracelens.Opts: gotracelens.ServerOpts
---@field server? gotracelens.Opts.Server
---@field codelens? gotracelens.Opts.Codelens

---@class (exact) gotracelens.Opts.Server
---@field path? string absolute path of the `gotracelens` program; nil looks for it in `$PATH`

---@class (exact) gotracelens.Opts.Codelens
---@field enable? boolean show code lenses, which Neovim leaves off (default true)

-- generated: begin server setting types
---@class (exact) gotracelens.ServerOpts
---@field cpuLimit? number Processors that the process may use, such as 2 or 1.5, where that is less than GOMAXPROCS. Shares of processor time are of these. 0: not known.
---@field goroot? string Absolute path of the Go installation to whose sources stacks lead, as `go env GOROOT` prints it. Read when the server starts. Empty: stacks lead to files of the workspace only.
---@field join? string[] Globs of files whose summary includes the older files of their rotated set, in the same folder: `app.log` with `app.log.1`, `app.log.2.gz`. Without a `/` a glob is about names, else about paths.
---@field memoryLimit? string Memory that the process may use, as Docker, Kubernetes or GOMEMLIMIT write it: `512MiB`, `512Mi`, `2g`. Rules say when it will be reached. Empty: not known.
---@field overrides? table Settings for some files, over those outside: `files` has globs, without a `/` about names, else about paths; `preset`, `memoryLimit`, `cpuLimit` and `rules` are as outside. Later entries win.
---@field preset? "default"|"latency"|"quiet" What is reported where no rule is set by itself.
---@field rules? table Levels and limits of rules, by the slug of the rule: `{"stw-long": {"level": "error", "warning_ms": 20}}`; a level alone may stand without braces. The page of a rule names its limits.
---@field godebug? gotracelens.Opts.Godebug
---@field inlayHints? gotracelens.Opts.InlayHints
---@field summary? gotracelens.Opts.Summary

---@class (exact) gotracelens.Opts.Godebug
---@field enable? boolean Completion, hover and problems for GODEBUG, GOGC, GOMAXPROCS, GOMEMLIMIT and GOTRACEBACK in `.env` files, Dockerfiles, YAML, shell scripts, makefiles, systemd units, `//go:debug` lines, `go.mod` and `go.work`. When off, such files start no server.

---@class (exact) gotracelens.Opts.InlayHints
---@field interval? boolean Share of processor time that collecting took from this cycle to the next: `9 % CPU`.
---@field liveHeapDelta? boolean How much the live heap changed since the cycle before: `+3 MB`.
---@field outliers? boolean How many times its median a value is that is far above the others of its run: `25× median`.
---@field states? boolean Names of states that are printed as numbers: `waiting`.
---@field wallClock? boolean Wall clock at the time of a cycle or sample, where what carries the lines tells it: `16:36:46.120`.

---@class (exact) gotracelens.Opts.Summary
---@field where? "auto"|"lens"|"inlay"|"diagnostic"|"off" Where the summary of a file and its runs is shown.
-- generated: end server setting types

-- Does nothing but give the variable its type, so that editors check and complete what users write into it.
---@type gotracelens.Opts|nil
vim.g.gotracelens = vim.g.gotracelens

---@class (exact) gotracelens.Setting
---@field type "string"|"boolean"|"number"|"list"|"table" a list is one of strings; the server looks into tables
---@field values? string[] the only values allowed
---@field default? string|boolean|number
---@field check? fun(value: any): string? what is wrong with a value of the right type
---@field sent? boolean passed on to the server; the others concern this plugin only

---@param path string
---@return string?
local function absolute(path)
  if vim.fn.isabsolutepath(vim.fs.normalize(path)) == 0 then
    -- A relative path would let whoever wrote the current directory choose the program.
    return "must be an absolute path"
  end
end

--- Every setting by its full name.
---@type table<string, gotracelens.Setting>
M.settings = {
  ["server.path"] = { type = "string", check = absolute },
  ["codelens.enable"] = { type = "boolean", default = true },
  -- generated: begin server settings
  ["cpuLimit"] = { type = "number", default = 0, sent = true },
  ["godebug.enable"] = { type = "boolean", default = false, sent = true },
  ["goroot"] = { type = "string", default = "", sent = true },
  ["inlayHints.interval"] = { type = "boolean", default = false, sent = true },
  ["inlayHints.liveHeapDelta"] = { type = "boolean", default = false, sent = true },
  ["inlayHints.outliers"] = { type = "boolean", default = false, sent = true },
  ["inlayHints.states"] = { type = "boolean", default = false, sent = true },
  ["inlayHints.wallClock"] = { type = "boolean", default = false, sent = true },
  ["join"] = { type = "list", sent = true },
  ["memoryLimit"] = { type = "string", default = "", sent = true },
  ["overrides"] = { type = "table", sent = true },
  ["preset"] = { type = "string", values = { "default", "latency", "quiet" }, default = "default", sent = true },
  ["rules"] = { type = "table", sent = true },
  ["summary.where"] = {
    type = "string",
    values = { "auto", "lens", "inlay", "diagnostic", "off" },
    default = "auto",
    sent = true,
  },
  -- generated: end server settings
}

---@param name string
---@param setting gotracelens.Setting
---@param value any
---@return string? problem
local function problem_of(name, setting, value)
  if setting.type == "list" then
    local is_list = vim.islist(value) and vim.iter(value):all(function(item)
      return type(item) == "string"
    end)
    return not is_list and ("%s: expected a list of strings, got %s"):format(name, vim.inspect(value)) or nil
  end
  if type(value) ~= setting.type then
    return ("%s: expected a %s, got %s"):format(name, setting.type, vim.inspect(value))
  end
  if setting.values and not vim.list_contains(setting.values, value) then
    return ("%s: expected one of %s, got %q"):format(name, table.concat(setting.values, ", "), value)
  end
  local wrong = setting.check and setting.check(value)
  return wrong and ("%s: %s, got %q"):format(name, wrong, value) or nil
end

--- Flattens a nested table of options to full names; what is no setting goes to `problems`.
---@param opts table
---@param prefix string
---@param values table<string, any>
---@param problems string[]
local function collect(opts, prefix, values, problems)
  for key, value in vim.spairs(opts) do
    local name = prefix .. tostring(key)
    local setting = M.settings[name]
    local is_area = vim.iter(vim.tbl_keys(M.settings)):any(function(known)
      return vim.startswith(known, name .. ".")
    end)
    if setting then
      local problem = problem_of(name, setting, value)
      if problem then
        problems[#problems + 1] = problem
      else
        values[name] = value
      end
    elseif is_area and type(value) == "table" then
      collect(value, name .. ".", values, problems)
    elseif is_area then
      problems[#problems + 1] = ("%s: expected a table, got %s"):format(name, vim.inspect(value))
    else
      problems[#problems + 1] = ("unknown key %q"):format(name)
    end
  end
end

--- The settings in force, by full name, and everything that is wrong with `vim.g.gotracelens`.
---@return table<string, any> values
---@return string[] problems
function M.read()
  local values, problems = {}, {}
  for name, setting in pairs(M.settings) do
    values[name] = setting.default
  end
  local opts = vim.g.gotracelens
  if type(opts) == "table" then
    collect(opts, "", values, problems)
  elseif opts ~= nil then
    problems[1] = ("expected a table, got %s"):format(vim.inspect(opts))
  end
  return values, problems
end

--- Tells the user, once per text, what is wrong with the settings.
function M.report_problems()
  local _, problems = M.read()
  for _, problem in ipairs(problems) do
    vim.notify_once("gotracelens: vim.g.gotracelens: " .. problem, vim.log.levels.WARN)
  end
end

--- The settings the server reads, nested as `workspace/configuration` wants them under `gotracelens`.
---@return table
function M.server_settings()
  local nested = {}
  for name, value in pairs((M.read())) do
    if M.settings[name].sent then
      local keys = vim.split(name, ".", { plain = true })
      local last = table.remove(keys)
      local at = nested
      for _, key in ipairs(keys) do
        at[key] = at[key] or {}
        at = at[key]
      end
      at[last] = value
    end
  end
  return nested
end

---@class (exact) gotracelens.Server
---@field path string absolute path of the program
---@field source string how it was found

--- Windows also looks in the current directory; a program lying beside a log must not be started.
---@param path string
---@return boolean
local function is_from_current_directory(path)
  return vim.fn.has("win32") == 1 and vim.fs.dirname(vim.fs.normalize(path)) == vim.fs.normalize(vim.fn.getcwd())
end

--- Finds the server: the setting, else `$PATH`. A set path that does not work is an error, not a reason to look elsewhere.
---@return gotracelens.Server? server
---@return string? problem
function M.find_server()
  local configured = M.read()["server.path"]
  if configured then
    local path = vim.fs.normalize(configured)
    if vim.fn.executable(path) == 1 then
      return { path = path, source = "vim.g.gotracelens.server.path" }
    end
    return nil, ("server.path %q is not an executable file"):format(path)
  end
  local found = vim.fn.exepath("gotracelens")
  if found ~= "" and not is_from_current_directory(found) then
    return { path = found, source = "$PATH" }
  end
  return nil, "no program named gotracelens in $PATH"
end

return M
