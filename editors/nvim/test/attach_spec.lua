--- Which buffers become traces, which do not, and when.
local editor = require("editor")
local expectations = require("expect").logs

local TRACE = {
  "2026/01/02 03:04:05 listening on :8080",
  "gc 1 @0.012s 2%: 0.018+1.2+0.003 ms clock, 0.14+0.35/1.1/0.22+0.024 ms cpu, 4->4->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 8 P",
  "gc 2 @0.031s 3%: 0.021+1.4+0.004 ms clock, 0.17+0.41/1.3/0.20+0.032 ms cpu, 4->5->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 8 P",
}
local FOREIGN = {
  "2026/01/02 03:04:05 listening on :8080",
  "2026/01/02 03:04:06 INFO gc 12 finished in 3 ms",
}

for _, expected in ipairs(expectations) do
  it("attaches to " .. expected.log .. " and leaves it as it is", function()
    local path = editor.log(expected.log)
    local ed = editor.start()
    ed:open(path)
    equal(ed:filetype(), "gotrace")
    ed:wait_attached()
    equal(ed:lua("return vim.bo.modified"), false, "modified")
    equal(ed:lua("return vim.fn.undotree().seq_last"), 0, "number of changes")
    equal(ed:lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"), vim.fn.readfile(path), "text")
    equal(ed:lua("return notified"), {}, "notifications")
  end)
end

it("does not touch a log of another program", function()
  local ed = editor.start()
  ed:open(editor.file("app.log", FOREIGN))
  equal(ed:stays_unattached(), true)
  equal(ed:filetype(), "")
  equal(ed:lua("return vim.fn.exists(':Gotracelens')"), 0, ":Gotracelens exists")
end)

it("recognizes a trace whose name says nothing", function()
  local ed = editor.start()
  ed:open(editor.file("nohup.out", TRACE))
  equal(ed:filetype(), "gotrace")
  ed:wait_attached()
end)

it("attaches to a trace in a text file and leaves its type", function()
  local ed = editor.start()
  ed:open(editor.file("notes.txt", TRACE))
  ed:wait_attached()
  equal(ed:filetype(), "text")
  equal(ed:lua("return vim.fn.exists(':Gotracelens')"), 2, ":Gotracelens exists")
end)

it("does not attach to other text files", function()
  local ed = editor.start()
  ed:open(editor.file("notes.txt", FOREIGN))
  equal(ed:stays_unattached(), true)
end)

it("lets the user's own file type for logs win", function()
  local ed = editor.start({ before = [[vim.filetype.add({ extension = { log = "log" } })]] })
  ed:open(editor.file("app.log", TRACE))
  ed:wait_attached()
  equal(ed:filetype(), "log")
end)

it("lives beside a plugin that tests every file by the pattern .*", function()
  local ed = editor.start({
    before = [[vim.filetype.add({ pattern = { [".*"] = function(path) return path:find("big") and "bigfile" end } })]],
  })
  ed:open(editor.file("small.log", TRACE))
  equal(ed:filetype(), "gotrace")
  ed:open(editor.file("big.log", TRACE))
  equal(ed:filetype(), "bigfile")
end)

it("does not set again a file type the user has cleared", function()
  local ed = editor.start()
  ed:open(editor.file("app.log", TRACE))
  equal(ed:filetype(), "gotrace")
  ed:cmd("set filetype=")
  ed:type("Goxx<Esc>")
  equal(ed:stays_unattached(), true)
  equal(ed:filetype(), "")
end)

it("recognizes a file that grows into a trace on disk", function()
  local path = editor.file("app.log", FOREIGN)
  local ed = editor.start()
  ed:open(path)
  equal(ed:stays_unattached(), true)
  vim.fn.writefile(TRACE, path, "a")
  ed:cmd("checktime")
  ed:wait("the file type", "vim.bo.filetype == 'gotrace' or nil")
  ed:wait_attached()
  equal(ed:lua("return vim.bo.modified"), false, "modified")
end)

it("recognizes a trace pasted into a new buffer", function()
  local ed = editor.start()
  ed:lua("vim.fn.setreg('a', ..., 'l')", TRACE)
  ed:type([["ap]])
  ed:wait("the file type", "vim.bo.filetype == 'gotrace' or nil")
end)

it("attaches to a text file a trace is pasted into", function()
  local ed = editor.start()
  ed:open(editor.file("notes.txt", { "what was printed:" }))
  equal(ed:stays_unattached(), true)
  ed:lua("vim.fn.setreg('a', ..., 'l')", TRACE)
  ed:type([["ap]])
  ed:wait_attached()
  equal(ed:filetype(), "text")
end)

it("recognizes a trace piped into Neovim", function()
  local result = vim
    .system({
      vim.env.GOTRACELENS_TEST_NVIM,
      "--headless",
      "-n",
      "-u",
      editor.file("init.lua", { ("vim.opt.runtimepath:prepend(%q)"):format(vim.o.runtimepath:match("^[^,]+")) }),
      "-c",
      "lua io.stdout:write(vim.bo.filetype)",
      "-c",
      "qa!",
      "-",
    }, { stdin = table.concat(TRACE, "\n") .. "\n", text = true })
    :wait(editor.TIMEOUT)
  equal(result.stdout, "gotrace")
end)

it("stays away when file type detection is off", function()
  local ed = editor.start()
  ed:cmd("filetype off")
  ed:open(editor.file("app.log", TRACE))
  equal(ed:stays_unattached(), true)
  equal(ed:filetype(), "")
end)

it("looks at open buffers when it is loaded late", function()
  local ed = editor.start({ before = "vim.g.loaded_gotracelens = true" })
  ed:open(editor.file("app.log", TRACE))
  equal(ed:filetype(), "")
  ed:lua("vim.g.loaded_gotracelens = nil; vim.cmd.runtime('plugin/gotracelens.lua')")
  ed:wait_attached()
end)

it("obeys no modeline inside a trace", function()
  local lines = vim.list_extend(vim.deepcopy(TRACE), { "vim: set textwidth=33:" })
  local ed = editor.start()
  ed:open(editor.file("app.log", lines))
  ed:wait_attached()
  equal(ed:lua("return vim.bo.textwidth"), 0)
  equal(ed:lua("return vim.bo.commentstring"), "")
end)

it("gives every token of the server a color", function()
  local ed = editor.start()
  ed:open(editor.file("nohup.out", TRACE))
  ed:wait_attached()
  local link = [[return vim.api.nvim_get_hl(0, { name = "@lsp.typemod.string.file.gotrace" }).link]]
  equal(ed:lua(link), "@string.special.path")
  local outlier = [[return vim.api.nvim_get_hl(0, { name = "@lsp.mod.outlier.gotrace" }).link]]
  equal(ed:lua(outlier), "WarningMsg")
  equal(ed:lua("local client = vim.lsp.get_clients({ bufnr = 0 })[1]; " .. [[
    return vim.iter(client.server_capabilities.semanticTokensProvider.legend.tokenTypes):filter(function(name)
      return vim.tbl_isempty(vim.api.nvim_get_hl(0, { name = "@lsp.type." .. name }))
    end):totable()
  ]]), {}, "types without a color")
end)

local COMPOSE = { "services:", "  web:", "    environment:", "      GODEBUG: gctrace=1,gctraec=1" }

it("starts nothing for a file that sets GODEBUG", function()
  local ed = editor.start()
  ed:open(editor.file("compose.yaml", COMPOSE))
  equal(ed:stays_unattached(), true)
  equal(ed:children(), {}, "processes")
end)

it("helps in a file that sets GODEBUG when that is switched on", function()
  local ed = editor.start({ opts = { godebug = { enable = true } } })
  ed:open(editor.file("compose.yaml", COMPOSE))
  local filetype = ed:filetype()
  ed:wait_attached()
  equal(ed:filetype(), filetype, "file type")
  ed:hover(4, 16, function(text)
    return vim.startswith(text, "gctrace: 1") and text:find("every garbage collection", 1, true) ~= nil
  end)
  editor.wait("the problem", function()
    local codes = ed:lua("return vim.iter(vim.diagnostic.get(0)):map(function(d) return d.code end):totable()")
    return vim.deep_equal(codes, { "GD101" })
  end)
  local offered = ed:lua([[
    local params = { textDocument = vim.lsp.util.make_text_document_params(), position = { line = 3, character = 23 } }
    local client = vim.lsp.get_clients({ bufnr = 0, name = "gotracelens" })[1]
    local answer = client:request_sync("textDocument/completion", params, 5000, 0)
    return vim.iter(answer.result):map(function(item) return item.label end):totable()
  ]])
  equal(offered, { "0", "1", "2" }, "values")
end)

it("still starts nothing for other files when that is switched on", function()
  local ed = editor.start({ opts = { godebug = { enable = true } } })
  ed:open(editor.file("main.py", { "GODEBUG = 'gctrace=1'" }))
  equal(ed:stays_unattached(), true)
  equal(ed:children(), {}, "processes")
end)
