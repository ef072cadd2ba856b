--- Code lenses, which Neovim leaves off.
---
--- Neovim 0.12 draws them above their line and keeps them fresh by itself. Neovim 0.11 draws them at the end of the
--- line, where nothing of them is seen on a trace line of 130 columns, and asks only when told to; there this module
--- asks, and draws each above its line in a row of its own, for a lens alone fills the width of a window. In both,
--- lenses above the first line are kept in sight, and `vim.lsp.codelens.run()` works.
local M = {}

local api = vim.api

--- Asks again for the lenses of a buffer, by its number.
local ask_for = {} ---@type table<integer, fun()>

---@param lens lsp.CodeLens
---@return string
local function title_of(lens)
  -- A line break cannot be drawn inside a virtual line.
  return lens.command and (lens.command.title:gsub("%c", " ")) or ""
end

--- The rows that are drawn above the first line.
---@param bufnr integer
---@return integer
local function count_rows_above(bufnr)
  local marks = api.nvim_buf_get_extmarks(bufnr, -1, { 0, 0 }, { 0, -1 }, { type = "virt_lines", details = true })
  local n = 0
  for _, mark in ipairs(marks) do
    local details = assert(mark[4])
    n = n + (details.virt_lines_above and #details.virt_lines or 0)
  end
  return n
end

--- Brings lenses above the first line into sight, which Neovim leaves out when it puts that line at the top.
---@param win integer
local function reveal_first_lenses(win)
  local n_rows = count_rows_above(api.nvim_win_get_buf(win))
  if n_rows == 0 then
    return
  end
  api.nvim_win_call(win, function()
    local view = vim.fn.winsaveview()
    if view.topline == 1 and view.topfill < n_rows then
      vim.fn.winrestview({ topfill = n_rows })
    end
  end)
end

---@param lenses lsp.CodeLens[]
---@param bufnr integer
---@param namespace integer
local function draw(lenses, bufnr, namespace)
  api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
  local by_row = vim.defaulttable() ---@type table<integer, lsp.CodeLens[]>
  local place = {} ---@type table<lsp.CodeLens, integer>
  for i, lens in ipairs(lenses) do
    place[lens] = i
    table.insert(by_row[lens.range.start.line], lens)
  end
  for row, row_lenses in pairs(by_row) do
    if row < api.nvim_buf_line_count(bufnr) then
      table.sort(row_lenses, function(a, b)
        local a_col, b_col = a.range.start.character, b.range.start.character
        return a_col < b_col or (a_col == b_col and place[a] < place[b])
      end)
      local rows = {} ---@type [string, string][][]
      for _, lens in ipairs(row_lenses) do
        rows[#rows + 1] = { { title_of(lens), "LspCodeLens" } }
      end
      api.nvim_buf_set_extmark(bufnr, namespace, row, 0, { virt_lines = rows, virt_lines_above = true })
    end
  end
  for _, win in ipairs(vim.fn.win_findbuf(bufnr)) do
    reveal_first_lenses(win)
  end
end

--- Takes an answer: draws it, remembers it for `vim.lsp.codelens.run()`, and asks for the commands left out of it.
---@param client vim.lsp.Client
---@param bufnr integer
---@param namespace integer
---@param lenses lsp.CodeLens[]
local function accept(client, bufnr, namespace, lenses)
  vim.lsp.codelens.save(lenses, bufnr, client.id)
  draw(lenses, bufnr, namespace)
  local version = vim.lsp.util.buf_versions[bufnr]
  for _, lens in ipairs(lenses) do
    if not lens.command then
      client:request("codeLens/resolve", lens, function(err, resolved)
        if not err and resolved and vim.lsp.util.buf_versions[bufnr] == version then
          lens.command = resolved.command
          draw(lenses, bufnr, namespace)
        end
      end, bufnr)
    end
  end
end

---@param client vim.lsp.Client
---@param bufnr integer
local function keep_drawn(client, bufnr)
  local namespace = api.nvim_create_namespace(("gotracelens.codelens.%d"):format(client.id))
  local group = api.nvim_create_augroup(("gotracelens.codelens.%d.%d"):format(client.id, bufnr), { clear = true })
  local pending ---@type integer?

  local function ask()
    if pending then
      client:cancel_request(pending)
    end
    local params = { textDocument = vim.lsp.util.make_text_document_params(bufnr) }
    local _, request = client:request("textDocument/codeLens", params, function(err, lenses)
      pending = nil
      if not err and api.nvim_buf_is_loaded(bufnr) then
        accept(client, bufnr, namespace, lenses or {})
      end
    end, bufnr)
    pending = request
  end

  api.nvim_create_autocmd("LspNotify", {
    group = group,
    buffer = bufnr,
    callback = function(event)
      local method = event.data.method
      if event.data.client_id == client.id and (method == "textDocument/didOpen" or method == "textDocument/didChange") then
        ask()
      end
    end,
  })
  api.nvim_create_autocmd("LspDetach", {
    group = group,
    buffer = bufnr,
    callback = function(event)
      if event.data.client_id == client.id then
        api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
        vim.lsp.codelens.save({}, bufnr, client.id)
        api.nvim_del_augroup_by_id(group)
        ask_for[bufnr] = nil
      end
    end,
  })
  ask_for[bufnr] = ask
  ask()
end

---@param bufnr integer
local function keep_first_lenses_in_sight(bufnr)
  local group = api.nvim_create_augroup(("gotracelens.reveal.%d"):format(bufnr), { clear = true })
  api.nvim_create_autocmd("WinScrolled", {
    group = group,
    callback = function()
      if not api.nvim_buf_is_valid(bufnr) then
        api.nvim_del_augroup_by_id(group)
        return
      end
      for _, win in ipairs(vim.fn.win_findbuf(bufnr)) do
        local scrolled = vim.v.event[tostring(win)]
        -- Only on the way up: going down, the lens is the first thing that must leave the screen.
        if scrolled and scrolled.topline < 0 then
          reveal_first_lenses(win)
        end
      end
    end,
  })
  api.nvim_create_autocmd("BufWinEnter", {
    group = group,
    buffer = bufnr,
    callback = function()
      reveal_first_lenses(api.nvim_get_current_win())
    end,
  })
end

--- Shows the lenses of a buffer as they are now, where Neovim cannot be told by the server to do so.
---@param bufnr integer
function M.refresh(bufnr)
  if ask_for[bufnr] then
    ask_for[bufnr]()
  end
end

--- Shows the lenses of a client in a buffer from now on.
---@param client vim.lsp.Client
---@param bufnr integer
function M.enable(client, bufnr)
  if vim.lsp.codelens.enable then
    vim.lsp.codelens.enable(true, { bufnr = bufnr })
  else
    keep_drawn(client, bufnr)
  end
  keep_first_lenses_in_sight(bufnr)
end

return M
