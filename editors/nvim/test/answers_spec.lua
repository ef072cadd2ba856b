--- What a user sees in the logs of the corpus: lens, hover, diagnostic. The table is expect.lua.
local editor = require("editor")
local expectations = dofile(vim.env.GOTRACELENS_TEST_EXPECT) ---@type test.Expectation[]

--- Signs that a hover shows its markup instead of what it stands for; tables stay pipes in Neovim.
local RAW_MARKUP = { "**", "`", "](", "|--", "| --", "<br", "<span", "&nbsp;", "&lt;", "&gt;", "&amp;", "\\" }

---@param expected test.Expectation
---@return test.Editor
local function open(expected)
  local ed = editor.start()
  ed:open(editor.log(expected.log))
  ed:wait_attached()
  return ed
end

for _, expected in ipairs(expectations) do
  it("shows the lens of " .. expected.log, function()
    local ed = open(expected)
    local title = editor.wait("a lens with " .. vim.inspect(expected.lens), function()
      return vim.iter(ed:lenses()):find(function(lens)
        return vim.iter(expected.lens):all(function(part)
          return lens:find(part, 1, true) ~= nil
        end)
      end)
    end)
    -- The screen has 80 columns, so only the start of a long lens is asked for.
    local start = vim.fn.strcharpart(title, 0, 20)
    editor.wait("the lens on the screen", function()
      return ed:screen():find(start, 1, true)
    end)
  end)

  it("shows the hover of " .. expected.log, function()
    local ed = open(expected)
    local line = vim.fn.readfile(editor.log(expected.log))[expected.hover.line]
    local col = assert(line:find(expected.hover.needle, 1, true), "the needle is in the line") - 1
    local text = ed:hover(expected.hover.line, col)
    for _, part in ipairs(expected.hover.has) do
      contains(text, part, "hover")
    end
    for _, markup in ipairs(RAW_MARKUP) do
      lacks(text, markup, "hover")
    end
  end)

  it("shows the diagnostic of " .. expected.log, function()
    local ed = open(expected)
    local wanted = expected.diagnostic
    local found = ed:wait(("diagnostic %s in line %d"):format(wanted.code, wanted.line), ([[
      vim.iter(vim.diagnostic.get(0)):find(function(d)
        return d.code == %q and d.lnum == %d
      end)]]):format(wanted.code, wanted.line - 1))
    contains(found.message, wanted.has, "message")
    equal(found.severity, vim.diagnostic.severity[wanted.severity], "severity")
    equal(found.source, "gotracelens", "source")
  end)
end

it("does not answer in prose", function()
  local ed = editor.start()
  ed:open(editor.log(expectations[1].log))
  ed:wait_attached()
  ed:lua([[vim.api.nvim_buf_set_lines(0, 0, 0, false, { "2026/01/02 03:04:05 listening on :8080" })]])
  local answer = ed:lua([[
    local params = { textDocument = { uri = vim.uri_from_bufnr(0) }, position = { line = 0, character = 3 } }
    local answers = vim.lsp.buf_request_sync(0, "textDocument/hover", params, 10000)
    local _, answer = next(answers)
    return answer.err or answer.result or "nothing"
  ]])
  equal(answer, "nothing")
end)

---@param ed test.Editor
---@return string start of the first lens, seen on the screen
local function first_lens(ed)
  local title = editor.wait("a lens", function()
    return ed:lenses()[1]
  end)
  local start = vim.fn.strcharpart(title, 0, 20)
  editor.wait("the lens on the screen", function()
    return ed:screen():find(start, 1, true)
  end)
  return start
end

it("shows a lens above the first line again after scrolling", function()
  local ed = open(expectations[1])
  local lens = first_lens(ed)
  ed:type("G")
  editor.wait("the end of the log", function()
    return not ed:screen():find(lens, 1, true)
  end)
  ed:type("gg")
  editor.wait("the lens", function()
    return ed:screen():find(lens, 1, true)
  end)
end)

it("lets the user scroll past a lens above the first line", function()
  local ed = open(expectations[1])
  first_lens(ed)
  ed:type("<C-e><C-e><C-e><C-e>")
  ed:wait("the second line at the top", "vim.fn.line('w0') > 1 or nil")
end)

it("shows one lens per line after edits", function()
  local ed = open(expectations[1])
  editor.wait("a lens", function()
    return ed:lenses()[1]
  end)
  ed:type("Gyyp")
  ed:type("yyp")
  vim.wait(1500)
  local n_drawn = ed:lua([[
    local n = 0
    for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, -1, { 0, 0 }, { 0, -1 }, { details = true })) do
      n = n + (mark[4].virt_lines and #mark[4].virt_lines or 0)
    end
    return n
  ]])
  equal(n_drawn, 1, "virtual lines above line 1")
end)

it("shows no lens when they are switched off", function()
  local ed = editor.start({ opts = { codelens = { enable = false } } })
  ed:open(editor.log(expectations[1].log))
  ed:wait_attached()
  vim.wait(1000)
  equal(ed:lenses(), {})
end)
