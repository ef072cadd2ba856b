--- Commands about a place: from the server's lenses and actions, and from `:Gotracelens`.
local editor = require("editor")

local LOG = "long/1.24.11-heapleak-p4-s6716.log"

---@return test.Editor
local function open()
  local ed = editor.start()
  ed:open(editor.log(LOG))
  ed:wait_attached()
  return ed
end

--- Runs a command as if it had been in a lens or an action of the server.
---@param ed test.Editor
---@param name string
---@param arguments string Lua
local function run(ed, name, arguments)
  ed:lua(([[
    local client = vim.lsp.get_clients({ name = "gotracelens" })[1]
    local uri = vim.uri_from_bufnr(0)
    client:exec_cmd({ title = "", command = %q, arguments = %s })
  ]]):format(name, arguments))
end

it("gives lenses a command that leads to what they say", function()
  local ed = open()
  editor.wait("the lenses", function()
    return #ed:lenses() > 0
  end)
  local commands = ed:lua([[
    local params = { textDocument = { uri = vim.uri_from_bufnr(0) } }
    local _, answer = next(vim.lsp.buf_request_sync(0, "textDocument/codeLens", params, 10000))
    local client = vim.lsp.get_clients({ name = "gotracelens" })[1]
    return vim.iter(answer.result):map(function(lens) return client.commands[lens.command.command] ~= nil end):totable()
  ]])
  equal(vim.list_contains(commands, true), true, "a lens has a command")
end)

it("goes to a line and back", function()
  local ed = open()
  run(ed, "gotracelens.reveal", "{ uri, 346 }")
  equal(ed:lua("return vim.api.nvim_win_get_cursor(0)[1]"), 347)
  ed:type("<C-o>")
  ed:wait("the first line", "vim.fn.line('.') == 1 or nil")
end)

it("lists what was found", function()
  local ed = open()
  editor.wait("the diagnostics", function()
    return ed:lua("return #vim.diagnostic.get(0)") > 0
  end)
  run(ed, "gotracelens.showFindings", "{ uri, 346 }")
  equal(ed:lua("return vim.fn.getloclist(0, { title = 1 }).title"), "gotracelens")
  equal(ed:lua("return #vim.fn.getloclist(0) > 0"), true)
end)

it("tells what happened at the cursor", function()
  local ed = open()
  ed:cmd("347")
  ed:cmd("Gotracelens narrate")
  local text = editor.wait("a window that tells about gc 347", function()
    local shown = ed:lua([[
      for _, win in ipairs(vim.api.nvim_list_wins()) do
        if vim.api.nvim_win_get_config(win).relative ~= "" then
          return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(win), 0, -1, false), "\n")
        end
      end
      return ""
    ]])
    return shown:find("347", 1, true) and shown
  end)
  contains(text, "MB")
end)

it("lists what was said around the cursor", function()
  local ed = open()
  ed:cmd("347")
  ed:cmd("Gotracelens around 500ms")
  local lines = editor.wait("the location list", function()
    local items = ed:lua("return vim.fn.getloclist(0)")
    return #items > 2 and vim.iter(items):map(function(item)
      return item.lnum
    end):totable()
  end)
  equal(vim.list_contains(lines, 347), true, "the line itself is in the list")
  -- A cycle every quarter of a second.
  equal(#lines < 10, true, "no more than a second is listed")
end)

it("shows inlay hints of the kinds that are set, and none by default", function()
  local function hints(ed)
    return ed:lua([[
      return vim.iter(vim.lsp.inlay_hint.get({ bufnr = 0 })):map(function(hint)
        return hint.inlay_hint.label
      end):totable()
    ]])
  end
  local quiet = open()
  editor.wait("the lenses", function()
    return #quiet:lenses() > 0
  end)
  equal(hints(quiet), {})
  local ed = editor.start({ opts = { inlayHints = { liveHeapDelta = true } } })
  ed:open(editor.log(LOG))
  ed:wait_attached()
  local labels = editor.wait("hints", function()
    local labels = hints(ed)
    return #labels > 0 and labels
  end)
  for _, label in ipairs(labels) do
    equal(label:match("^[+-]%d+ MB$") ~= nil, true, label)
  end
end)

it("refuses a time that is none", function()
  local ed = open()
  ed:cmd("Gotracelens around soon")
  equal(ed:lua("return notified"), { 'gotracelens: "soon" is no time: 2s, 250ms' })
end)

it("copies a command to run next", function()
  local ed = open()
  run(ed, "gotracelens.copy", '{ "go tool pprof -http=: x" }')
  equal(ed:lua([[return vim.fn.getreg('"')]]), "go tool pprof -http=: x")
end)

it("tells what to set for a run and why a rule found something", function()
  local ed = open()
  local function shown(part)
    return editor.wait("a window that says " .. part, function()
      local text = ed:lua([[
        for _, win in ipairs(vim.api.nvim_list_wins()) do
          if vim.api.nvim_win_get_config(win).relative ~= "" then
            return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(win), 0, -1, false), "\n")
          end
        end
        return ""
      ]])
      return text:find(part, 1, true) and text or nil
    end)
  end
  ed:cmd("100")
  ed:cmd("Gotracelens tune")
  shown("no setting cures that")
  run(ed, "gotracelens.evidence", '{ { textDocument = { uri = uri }, code = "GC101", line = 99 } }')
  shown("✓ cycles")
end)

it("mutes a finding, which is gone at once", function()
  local path = editor.file("muted.log", vim.fn.readfile(editor.log(LOG)))
  local mute_file = vim.fs.joinpath(vim.fs.dirname(path), "gotracelens.mute.toml")
  local ed = editor.start()
  ed:open(path)
  ed:wait_attached()
  local function lines_of(code)
    return ed:lua(([[
      return vim.iter(vim.diagnostic.get(0)):filter(function(found)
        return found.code == %q
      end):map(function(found) return found.lnum end):totable()
    ]]):format(code))
  end
  local line = editor.wait("the leak", function()
    return lines_of("GC101")[1]
  end)
  ed:cmd(tostring(line + 1))
  ed:lua([[
    vim.lsp.buf.code_action({ apply = true, filter = function(action)
      return action.title == "Mute GC101 live-heap-leak in this file"
    end })
  ]])
  editor.wait("the finding to be gone", function()
    return #lines_of("GC101") == 0 or nil
  end)
  editor.wait("lenses without it", function()
    local shown = table.concat(ed:lenses(), "\n")
    return shown ~= "" and not shown:find("GC101", 1, true) or nil
  end)
  local written = vim.trim(table.concat(vim.fn.readfile(mute_file), "\n"))
  equal(written, '[[mute]]\nrule = "GC101"\nfiles = "./muted.log"')
  vim.fn.delete(mute_file)
end)

it("saves the file of what is muted after an edit of the server", function()
  local ed = open()
  local written = ed:lua([=[
    local path = vim.fn.tempname() .. ".toml"
    local bufnr = vim.fn.bufadd(path)
    vim.fn.bufload(bufnr)
    vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, { "[[mute]]", 'rule = "GC101"' })
    local client = vim.lsp.get_clients({ name = "gotracelens" })[1]
    client:exec_cmd({ title = "", command = "gotracelens.saveMutes", arguments = { vim.uri_from_bufnr(bufnr) } })
    return vim.fn.readfile(path)
  ]=])
  equal(written, { "[[mute]]", 'rule = "GC101"' })
end)
