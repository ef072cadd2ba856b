--- Start, restart, end and help of the server and the command.
local config = require("gotracelens.config")
local editor = require("editor")
local expectations = require("expect").logs
local LOG = editor.log(expectations[1].log)

---@param pids integer[]
local function wait_gone(pids)
  editor.wait("the server to end", function()
    return vim.iter(pids):all(function(pid)
      return vim.uv.kill(pid, 0) ~= 0
    end)
  end)
end

---@return test.Editor
---@return integer[] pids of the server
local function attached()
  local ed = editor.start()
  ed:open(LOG)
  ed:wait_attached()
  local pids = ed:children()
  equal(#pids, 1, "number of servers")
  return ed, pids
end

it("leaves no process behind when Neovim quits", function()
  local ed, pids = attached()
  ed:lua("vim.defer_fn(function() vim.cmd('qa!') end, 10)")
  wait_gone({ ed.pid })
  wait_gone(pids)
end)

it("leaves no process behind when Neovim is killed", function()
  local ed, pids = attached()
  vim.uv.kill(ed.pid, "sigkill")
  wait_gone(pids)
end)

it("starts one server for two traces of a folder", function()
  local ed = attached()
  ed:cmd("new")
  ed:open(editor.log(expectations[2].log))
  ed:wait_attached()
  equal(#ed:children(), 1, "number of servers")
end)

it("restarts the server and attaches again", function()
  local ed, pids = attached()
  local id = ed:lua([[return vim.lsp.get_clients({ name = "gotracelens" })[1].id]])
  ed:cmd("Gotracelens restart")
  ed:wait("another client", ([[(function()
    local client = vim.lsp.get_clients({ bufnr = 0, name = "gotracelens" })[1]
    return client and client.initialized and client.id ~= %d
  end)()]]):format(id))
  wait_gone(pids)
  equal(#ed:children(), 1, "number of servers")
  editor.wait("the lens", function()
    return ed:lenses()[1]
  end)
end)

it("finds a server that is configured after the first attempt", function()
  local ed = editor.start({ opts = { server = { path = "/nonexistent/gotracelens" } } })
  ed:open(LOG)
  equal(ed:stays_unattached(), true)
  equal(ed:lua("return notified"), {
    'gotracelens: server not started: server.path "/nonexistent/gotracelens" is not an executable file; see :checkhealth gotracelens',
  })
  ed:lua("vim.g.gotracelens = { server = { path = ... } }", vim.env.GOTRACELENS_TEST_SERVER)
  ed:cmd("Gotracelens restart")
  ed:wait_attached()
end)

it("leaves alone a command given to vim.lsp.config()", function()
  local ed = editor.start({
    opts = { server = { path = "/nonexistent/gotracelens" } },
    before = ("vim.lsp.config('gotracelens', { cmd = { %q, 'lsp' } })"):format(vim.env.GOTRACELENS_TEST_SERVER),
  })
  ed:open(LOG)
  ed:wait_attached()
end)

it("hands the settings to the server", function()
  local ed = editor.start({ opts = { summary = { where = "diagnostic" } } })
  ed:open(LOG)
  ed:wait_attached()
  local settings = ed:lua([[return vim.lsp.get_clients({ name = "gotracelens" })[1].settings]])
  equal(settings.gotracelens, vim.tbl_extend("force", config.server_settings(), { summary = { where = "diagnostic" } }))
end)

it("sums up older files of a rotated set where the settings say so", function()
  local shape = "gc %d @%d.012s 2%%: 0.018+1.2+0.003 ms clock, 0.14+0.35/1.1/0.22+0.024 ms cpu, 4->4->0 MB, 5 MB goal, 8 P"
  local path = editor.file("app.log", { shape:format(3, 30), shape:format(4, 40) })
  vim.fn.writefile({ shape:format(1, 10), shape:format(2, 20) }, path .. ".1")
  local ed = editor.start({ opts = { join = { "*.log" } } })
  ed:open(path)
  ed:wait_attached()
  editor.wait("the lens of all files", function()
    return vim.iter(ed:lenses()):any(function(lens)
      return lens:find("with 1 older file: 4 GC cycles in 30 s", 1, true) ~= nil
    end)
  end, function()
    return vim.inspect(ed:lenses())
  end)
end)

it("reports wrong settings once and works with the rest", function()
  local ed = editor.start({ opts = { sumary = {} } })
  ed:open(LOG)
  ed:wait_attached()
  ed:cmd("edit")
  vim.wait(500)
  equal(ed:lua("return notified"), { 'gotracelens: vim.g.gotracelens: unknown key "sumary"' })
end)

it("says in :Gotracelens info what is used", function()
  local ed = attached()
  ed:cmd("Gotracelens info")
  local text = table.concat(ed:lua("return notified"), "\n")
  contains(text, ("server: %s (from vim.g.gotracelens.server.path)"):format(vim.env.GOTRACELENS_TEST_SERVER))
  contains(text, 'setting: summary.where = "auto"')
  contains(text, "client 1: gotracelens")
end)

it("opens the log of the language clients", function()
  local ed = attached()
  ed:cmd("Gotracelens log")
  equal(ed:lua("return vim.fs.basename(vim.api.nvim_buf_get_name(0))"), "lsp.log")
end)

it("completes subcommands and refuses others", function()
  local ed = attached()
  equal(ed:lua([[return vim.fn.getcompletion("Gotracelens ", "cmdline")]]), { "around", "info", "log", "narrate", "page", "restart", "tune" })
  equal(ed:lua([[return vim.fn.getcompletion("Gotracelens re", "cmdline")]]), { "restart" })
  ed:cmd("Gotracelens nonsense")
  equal(ed:lua("return notified"), { 'gotracelens: no subcommand "nonsense", there are around, info, log, narrate, page, restart, tune' })
end)

---@param ed test.Editor
---@return string
local function checkhealth(ed)
  ed:cmd("checkhealth gotracelens")
  ed:wait("the report", "vim.bo.filetype == 'checkhealth' or nil")
  return table.concat(ed:lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"), "\n")
end

it("has nothing to complain about in :checkhealth when all is well", function()
  local report = checkhealth((attached()))
  contains(report, "OK Neovim ")
  contains(report, ("OK found %s (from vim.g.gotracelens.server.path)"):format(vim.env.GOTRACELENS_TEST_SERVER))
  contains(report, "OK version: gotracelens ")
  contains(report, "OK *.log files are recognized by their content")
  contains(report, vim.fs.basename(LOG) .. ": client 1 attached (gotracelens ")
  lacks(report, "WARNING")
  lacks(report, "ERROR")
end)

it("explains in :checkhealth what stands in the way", function()
  local ed = editor.start({
    opts = { server = { path = "/nonexistent/gotracelens" }, sumary = {} },
    before = [[vim.filetype.add({ pattern = { [".*"] = function() return "bigfile" end } })]],
  })
  ed:open(LOG)
  local report = checkhealth(ed)
  contains(report, 'WARNING vim.g.gotracelens: unknown key "sumary"')
  contains(report, 'ERROR server not found: server.path "/nonexistent/gotracelens" is not an executable file')
  contains(report, "a plugin for big files has given it the file type bigfile")
end)

it("has help for every setting and subcommand", function()
  local ed = editor.start()
  ed:cmd("helptags ALL")
  local tags = { "gotracelens", "gotracelens-settings", ":Gotracelens" }
  for name in pairs(require("gotracelens.config").settings) do
    tags[#tags + 1] = "gotracelens." .. name
  end
  for _, subcommand in ipairs(require("gotracelens.commands").complete("")) do
    tags[#tags + 1] = ":Gotracelens-" .. subcommand
  end
  for _, tag in ipairs(tags) do
    ed:cmd("help " .. tag)
    equal(ed:lua("return vim.fs.basename(vim.api.nvim_buf_get_name(0))"), "gotracelens.txt", tag)
  end
end)
