--- Settings and the search for the server.
local config = require("gotracelens.config")
local editor = require("editor")

---@param opts any
---@param body fun()
local function with(opts, body)
  vim.g.gotracelens = opts
  local is_ok, err = pcall(body)
  vim.g.gotracelens = nil
  assert(is_ok, err)
end

---@param opts any
---@param wanted string[]
local function check_problems(opts, wanted)
  with(opts, function()
    local _, problems = config.read()
    equal(problems, wanted)
  end)
end

it("has defaults without any setting", function()
  local values, problems = config.read()
  equal(problems, {})
  equal(values, {
    ["codelens.enable"] = true,
    ["cpuLimit"] = 0,
    ["godebug.enable"] = false,
    ["goroot"] = "",
    ["inlayHints.interval"] = false,
    ["inlayHints.liveHeapDelta"] = false,
    ["inlayHints.outliers"] = false,
    ["inlayHints.states"] = false,
    ["inlayHints.wallClock"] = false,
    ["memoryLimit"] = "",
    ["preset"] = "default",
    ["summary.where"] = "auto",
  })
end)

it("reports unknown keys with their full name", function()
  check_problems({ sumary = { where = "lens" }, server = { pth = "/bin/true" } }, {
    'unknown key "server.pth"',
    'unknown key "sumary"',
  })
end)

it("reports values of a wrong type and keeps the default", function()
  check_problems({ codelens = { enable = "yes" } }, { 'codelens.enable: expected a boolean, got "yes"' })
  check_problems({ codelens = true }, { "codelens: expected a table, got true" })
  check_problems("lens", { 'expected a table, got "lens"' })
  with({ codelens = { enable = "yes" } }, function()
    equal(config.read()["codelens.enable"], true)
  end)
end)

it("reports a value that is not one of the allowed ones", function()
  check_problems(
    { summary = { where = "top" } },
    { 'summary.where: expected one of auto, lens, inlay, diagnostic, off, got "top"' }
  )
end)

it("takes a list of globs and nothing else", function()
  check_problems({ join = { "*.log" } }, {})
  check_problems({ join = "*.log" }, { 'join: expected a list of strings, got "*.log"' })
  check_problems({ join = { a = "*.log" } }, { 'join: expected a list of strings, got {\n  a = "*.log"\n}' })
  check_problems({ join = { 7 } }, { "join: expected a list of strings, got { 7 }" })
  with({ join = { "*.log" } }, function()
    equal(config.server_settings().join, { "*.log" })
  end)
end)

it("refuses a server path the current directory would complete", function()
  check_problems({ server = { path = "bin/gotracelens" } }, { 'server.path: must be an absolute path, got "bin/gotracelens"' })
end)

it("sends the server only what concerns it", function()
  local rules = { ["stw-long"] = { level = "error" } }
  local opts = { summary = { where = "inlay" }, codelens = { enable = false }, server = { path = "/x" }, rules = rules }
  with(opts, function()
    equal(config.server_settings(), {
      cpuLimit = 0,
      godebug = { enable = false },
      goroot = "",
      inlayHints = { interval = false, liveHeapDelta = false, outliers = false, states = false, wallClock = false },
      memoryLimit = "",
      preset = "default",
      rules = rules,
      summary = { where = "inlay" },
    })
  end)
end)

---@param name string
---@return string
local function executable(name)
  local path = editor.file(name, { "#!/bin/sh" })
  vim.uv.fs_chmod(path, tonumber("755", 8))
  return path
end

it("takes the configured server before the one in $PATH", function()
  local configured, in_path = executable("my-gotracelens"), executable("gotracelens")
  local path = vim.env.PATH
  vim.env.PATH = vim.fs.dirname(in_path) .. ":" .. path
  local from_path = config.find_server()
  local from_setting
  with({ server = { path = configured } }, function()
    from_setting = config.find_server()
  end)
  vim.env.PATH = path
  equal(from_path, { path = in_path, source = "$PATH" })
  equal(from_setting, { path = configured, source = "vim.g.gotracelens.server.path" })
end)

it("does not look elsewhere when the configured server cannot be started", function()
  local file = editor.file("gotracelens", { "not executable" })
  with({ server = { path = file } }, function()
    local server, problem = config.find_server()
    equal(server, nil)
    equal(problem, ("server.path %q is not an executable file"):format(file))
  end)
end)

it("names what is missing when there is no server at all", function()
  local path = vim.env.PATH
  vim.env.PATH = "/nonexistent"
  local server, problem = config.find_server()
  vim.env.PATH = path
  equal(server, nil)
  equal(problem, "no program named gotracelens in $PATH")
end)
