--- What a user sees in the logs of the corpus: lenses, hovers, diagnostics. The table is tests/editors.json.
local editor = require("editor")
local expect = require("expect")
local expectations = expect.logs

local SEVERITIES = { error = "ERROR", warning = "WARN", info = "INFO", hint = "HINT" }

---@param expected test.Expectation
---@return test.Editor
local function open(expected)
  local ed = editor.start()
  ed:open(editor.log(expected.log))
  ed:wait_attached()
  return ed
end

--- Whether a lens holds what it must.
---@param lens string
---@param parts string[]
---@return boolean
local function holds_all(lens, parts)
  return vim.iter(parts):all(function(part)
    return lens:find(part, 1, true) ~= nil
  end)
end

for _, expected in ipairs(expectations) do
  it("shows the lenses of " .. expected.log, function()
    local ed = open(expected)
    local titles ---@type string[]
    editor.wait("the lenses", function()
      titles = ed:lenses()
      return #titles == #expected.lenses
    end, function()
      return vim.inspect(titles)
    end)
    for i, parts in ipairs(expected.lenses) do
      equal({ titles[i], holds_all(titles[i], parts) }, { titles[i], true }, "lens with " .. vim.inspect(parts))
      -- The screen has 80 columns, so only the start of a long lens is asked for. Each has a row of its own.
      local start = vim.fn.strcharpart(titles[i], 0, 40)
      editor.wait("the lens at the start of a row", function()
        return vim.iter(vim.split(ed:screen(), "\n")):any(function(row)
          return vim.startswith(row, start)
        end)
      end, function()
        return ed:screen()
      end)
    end
  end)

  for _, hover in ipairs(expected.hovers) do
    it(("shows the hover on %q in line %d of %s"):format(hover.needle, hover.line, expected.log), function()
      local ed = open(expected)
      local line = vim.fn.readfile(editor.log(expected.log))[hover.line]
      local col = assert(line:find(hover.needle, 1, true), "the needle is in the line") - 1
      -- The markup is drawn some time after the text, so its absence is waited for as well.
      ed:hover(hover.line, col, function(text)
        return vim.startswith(text, hover.starts)
          and holds_all(text, hover.has)
          and not vim.iter(expect.raw_markup):any(function(markup)
            return text:find(markup, 1, true) ~= nil
          end)
      end)
    end)
  end

  it("shows the diagnostics of " .. expected.log, function()
    local ed = open(expected)
    local found ---@type { line: integer, code: string, severity: string, source: string, message: string }[]
    editor.wait(#expected.diagnostics .. " diagnostics above hints", function()
      found = ed:lua([[
        local diagnostics = vim.diagnostic.get(0, { severity = { min = vim.diagnostic.severity.INFO } })
        table.sort(diagnostics, function(a, b) return a.lnum < b.lnum end)
        return vim.iter(diagnostics):map(function(d)
          local severity = vim.diagnostic.severity[d.severity]
          return { line = d.lnum + 1, code = d.code, severity = severity, source = d.source, message = d.message }
        end):totable()
      ]])
      return #found == #expected.diagnostics
    end, function()
      return vim.inspect(found)
    end)
    for i, wanted in ipairs(expected.diagnostics) do
      contains(found[i].message, wanted.has, "message")
      found[i].message = nil
      equal(found[i], {
        line = wanted.line,
        code = wanted.code,
        severity = SEVERITIES[wanted.severity],
        source = "gotracelens",
      })
    end
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

it("shows each lens once after edits", function()
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
  equal(n_drawn, #expectations[1].lenses, "virtual lines above line 1")
end)

it("shows no lens when they are switched off", function()
  local ed = editor.start({ opts = { codelens = { enable = false } } })
  ed:open(editor.log(expectations[1].log))
  ed:wait_attached()
  vim.wait(1000)
  equal(ed:lenses(), {})
end)
