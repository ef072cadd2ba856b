--- Pages of the reference: by command and by the links of a hover.
local editor = require("editor")
local LOG = editor.log(require("expect").logs[1].log)

---@return test.Editor
local function attached()
  local ed = editor.start()
  ed:open(LOG)
  ed:wait_attached()
  return ed
end

---@param ed test.Editor
---@param name string
---@return string[] lines
local function page(ed, name)
  -- The buffer has its name before the server has answered.
  local expression = "vim.uri_decode(vim.api.nvim_buf_get_name(0)) == %q and vim.bo.filetype == 'markdown' or nil"
  ed:wait("the page " .. name, expression:format("gotracelens://page/" .. name))
  return ed:lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)")
end

it("opens a page by name, as text that cannot be changed", function()
  local ed = attached()
  ed:cmd("Gotracelens page heap goal")
  local lines = page(ed, "heap goal")
  equal(lines[1], "# Heap goal")
  contains(table.concat(lines, "\n"), "# gc.heap_goal_mb", "the field of that name")
  equal(ed:lua("return { vim.bo.filetype, vim.bo.buftype, vim.bo.modifiable, vim.bo.modified }"), {
    "markdown",
    "nofile",
    false,
    false,
  })
  equal(ed:lua("return notified"), {})
end)

it("follows links, in the same window", function()
  local ed = attached()
  ed:cmd("Gotracelens page assist")
  page(ed, "assist")
  local n_windows = ed:lua("return #vim.api.nvim_list_wins()")
  for _, key in ipairs({ "<CR>", "gx" }) do
    ed:lua("vim.fn.search([[\\[Pacer\\](]], 'cw')")
    ed:type(key)
    equal(page(ed, "term:pacer")[1], "# Pacer")
    ed:cmd("Gotracelens page assist")
    page(ed, "assist")
  end
  equal(ed:lua("return #vim.api.nvim_list_wins()"), n_windows, "number of windows")
end)

it("says what an unknown name may have been", function()
  local ed = attached()
  ed:cmd("Gotracelens page asist")
  ed:wait("the message", "notified[1]")
  contains(ed:lua("return notified[1]"), 'there is no page "asist"; did you mean assist', "message")
end)

it("completes names of pages", function()
  local ed = attached()
  local names = ed:lua([[return vim.fn.getcompletion("Gotracelens page gc.heap_g", "cmdline")]])
  equal(names, { "gc.heap_goal_mb" })
  equal(ed:lua([[return vim.fn.getcompletion("Gotracelens pa", "cmdline")]]), { "page" })
end)

it("opens the page of a field from its hover", function()
  local ed = attached()
  local hover = require("expect").logs[1].hovers[1]
  local line = vim.fn.readfile(LOG)[hover.line]
  local col = assert(line:find(hover.needle, 1, true)) - 1
  ed:hover(hover.line, col, function(text)
    return vim.startswith(text, hover.starts)
  end)
  -- A second hover goes into the window of the first.
  ed:lua("vim.lsp.buf.hover()")
  ed:wait("the window of the hover", [[vim.api.nvim_win_get_config(0).relative ~= "" or nil]])
  ed:wait("the name", [[vim.fn.search("gc\\.[a-z_]* ·", "cw") > 0 or nil]])
  ed:type("<CR>")
  ed:wait("the page", [[vim.api.nvim_buf_get_name(0):find("^gotracelens://page/gc%.") and vim.bo.filetype == "markdown" or nil]])
  contains(ed:lua("return vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]"), "# gc.", "heading")
end)
