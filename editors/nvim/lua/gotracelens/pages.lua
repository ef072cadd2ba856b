--- Pages of the reference: buffers named `gotracelens://page/NAME` with the server's text, which links lead to.
local M = {}

local api = vim.api
local PREFIX = "gotracelens://page/"
--- Milliseconds the server may take for a page; it has them in memory.
local TIMEOUT = 2000

---@return vim.lsp.Client?
local function client()
  return vim.iter(vim.lsp.get_clients({ name = "gotracelens" })):find(function(running)
    return running.initialized
  end)
end

--- Asks the server.
---@param method string
---@param params? table
---@return any? answer
---@return string? problem
local function ask(method, params)
  local server = client()
  if not server then
    return nil, "no server is running; open a trace first"
  end
  local response, problem = server:request_sync(method, params, TIMEOUT)
  if not response then
    return nil, problem or "no answer"
  end
  return response.result, response.err and response.err.message
end

--- The names of all pages that start with `lead`.
---@param lead string
---@return string[]
function M.complete(lead)
  local pages = ask("gotracelens/pages") or {}
  return vim.iter(pages)
    :map(function(page)
      return vim.startswith(page.name:lower(), lead:lower()) and page.name or nil
    end)
    :totable()
end

--- Opens the page of this name, in the window that shows one or in a new one.
---@param name string
function M.open(name)
  local uri = PREFIX .. vim.uri_encode(name)
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    if vim.startswith(api.nvim_buf_get_name(api.nvim_win_get_buf(win)), PREFIX) then
      api.nvim_set_current_win(win)
      vim.cmd.edit({ args = { uri }, magic = { file = false } })
      return
    end
  end
  vim.cmd.split({ args = { uri }, magic = { file = false } })
end

--- The page that the text under the cursor leads to: by a link, or by a word that is the name of a field or a rule. Hovers
--- have such words and no links, whose addresses would be hidden but take room.
---@return string? name
local function page_at_cursor()
  local word = vim.fn.expand("<cWORD>"):gsub("^%p+", ""):gsub("%p+$", "")
  if word:match("^%u%u%d%d%d$") or word:match("^%l[%l%d_]*%.%l[%l%d_]*$") then
    return word
  end
  local line, col = api.nvim_get_current_line(), api.nvim_win_get_cursor(0)[2] + 1
  local from = 1
  while true do
    local start, stop, target = line:find("%[[^%]]*%]%((.-)%)", from)
    if not start then
      return nil
    end
    if col >= start and col <= stop and vim.startswith(target, PREFIX) then
      return vim.uri_decode(target:sub(#PREFIX + 1))
    end
    from = stop + 1
  end
end

--- Does what a key does without us: `gx` is a mapping of Neovim's own, `<CR>` is none.
---@param key string
local function press(key)
  local mapping = vim.iter(api.nvim_get_keymap("n")):find(function(other)
    return other.lhs == key
  end)
  if mapping and mapping.callback then
    mapping.callback()
  else
    api.nvim_feedkeys(vim.keycode(key), "n", false)
  end
end

--- Lets `<CR>` and `gx` open pages in a buffer; elsewhere they do what they did.
---@param bufnr integer
function M.follow_links(bufnr)
  for _, key in ipairs({ "<CR>", "gx" }) do
    vim.keymap.set("n", key, function()
      local name = page_at_cursor()
      if name then
        M.open(name)
      else
        press(key)
      end
    end, { buffer = bufnr, desc = "gotracelens: open the page under the cursor" })
  end
end

--- Fills a buffer that is named like a page: for `BufReadCmd`.
---@param bufnr integer
---@param uri string
function M.read(bufnr, uri)
  local name = vim.uri_decode(uri:sub(#PREFIX + 1))
  local page, problem = ask("gotracelens/page", { name = name, links = "scheme" })
  if not page then
    vim.notify("gotracelens: " .. problem, vim.log.levels.ERROR)
  end
  local bo = vim.bo[bufnr]
  bo.modifiable = true
  bo.buftype, bo.bufhidden, bo.swapfile, bo.modeline = "nofile", "hide", false, false
  api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split(page and page.markdown or problem or "", "\n"))
  bo.modifiable, bo.modified = false, false
  bo.filetype = "markdown"
  require("gotracelens.commands").create(bufnr)
  M.follow_links(bufnr)
end

return M
