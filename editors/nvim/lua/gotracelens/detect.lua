--- Recognizes a Go runtime trace by its content.
---
--- `*.log` has no file type in Neovim and says nothing about what is inside, so only the text decides. The first and
--- the last part of a buffer are looked at; what a line means is the server's business, this only knows how lines start
--- that Go prints, from the server's catalog. A buffer is never changed, and a file type somebody else has set is never replaced.
local M = {}

local api = vim.api

--- Bytes looked at, at the start and at the end of a buffer.
local WINDOW = 64 * 1024
--- Lines fetched at a time while a window is filled.
local BATCH = 256
--- Milliseconds between a change and the next look at the buffer.
local RECHECK_DELAY = 300

--- File types under which a trace may lie without being called one: the server attaches there, the type stays.
M.host_filetypes = { "log", "text" }

--- How lines begin that a carrier or nothing stands before.
local CARRIED = { "\n", '["\t]', "[%]:|%dZ] ", " [FP] " }

--- What stands around the start of a line, by its place: patterns for what is before, one for what is behind. The text
--- begins and ends with a line feed.
---@type table<string, { before: string[], behind: string }>
local PLACES = {
  anywhere = { before = { "" }, behind = "" }, -- glued to other text, too
  alone = { before = CARRIED, behind = '[ \t\r]*["\n]' }, -- all that a carrier carries
  carried = { before = CARRIED, behind = "" }, -- the begin of that
  line = { before = { "\n" }, behind = "[ \t\r]*\n" }, -- the whole line
  begin = { before = { "\n" }, behind = "" }, -- its begin
}

--- Takes away what collectors and terminals put inside a line: color codes, JSON escapes.
---@param text string
---@return string
local function unquote(text)
  if text:find("\\u00", 1, true) then
    text = text:gsub("\\u00(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
    end)
  end
  if text:find("\\", 1, true) then
    text = text:gsub("\\[nrt]", "\n")
  end
  if text:find("\27", 1, true) then
    text = text:gsub("\27%[[%d;]*%a", "")
  end
  return text
end

--- Whether the start of a trace line stands in a text.
---@param text string lines, each between two line ends
---@return boolean
local function has_start(text)
  return vim.iter(require("gotracelens.starts")):any(function(start)
    if not text:find(start.needle, 1, true) then
      return false
    end
    local place = PLACES[start.place]
    return vim.iter(place.before):any(function(before)
      return text:find(before .. start.pattern .. place.behind) ~= nil
    end)
  end)
end

--- Whether a piece of text holds the start of a trace line, as it stands or behind what collectors put inside it.
---@param text string
---@return boolean
function M.has_trace(text)
  local bare = unquote(text)
  return has_start("\n" .. bare .. "\n") or bare ~= text and has_start("\n" .. text .. "\n")
end

---@param bufnr integer
---@return integer bytes
local function size_of(bufnr)
  return api.nvim_buf_get_offset(bufnr, api.nvim_buf_line_count(bufnr))
end

---@param bufnr integer
---@return string
local function head_of(bufnr)
  local lines, size, row = {}, 0, 0
  local count = api.nvim_buf_line_count(bufnr)
  while row < count and size < WINDOW do
    for _, line in ipairs(api.nvim_buf_get_lines(bufnr, row, row + BATCH, false)) do
      lines[#lines + 1] = line
      size = size + #line + 1
    end
    row = row + BATCH
  end
  return table.concat(lines, "\n"):sub(1, WINDOW)
end

---@param bufnr integer
---@return string
local function tail_of(bufnr)
  local batches, size = {}, 0
  local row = api.nvim_buf_line_count(bufnr)
  while row > 0 and size < WINDOW do
    local first = math.max(row - BATCH, 0)
    local text = table.concat(api.nvim_buf_get_lines(bufnr, first, row, false), "\n")
    table.insert(batches, 1, text)
    size = size + #text + 1
    row = first
  end
  return table.concat(batches, "\n"):sub(-WINDOW)
end

--- Whether a loaded buffer holds a Go runtime trace, judged by its first and last 64 KB.
---@param bufnr integer
---@return boolean
function M.is_trace(bufnr)
  if not api.nvim_buf_is_loaded(bufnr) then
    return false
  end
  return M.has_trace(head_of(bufnr)) or (size_of(bufnr) > WINDOW and M.has_trace(tail_of(bufnr)))
end

---@class (exact) gotracelens.Look
---@field size? integer bytes of the buffer when it was last looked at
---@field was_trace? boolean it had the file type gotrace once; if that is gone, the user wanted it so

---@type table<integer, gotracelens.Look>
local looks = {}
---@type table<integer, true>
local is_pending = {}

--- For `vim.filetype.add`: the file type of a buffer no other rule knows.
---@param bufnr integer? nil or negative when only a file name is asked about
---@return string?
function M.filetype(bufnr)
  if bufnr and bufnr > 0 and M.is_trace(bufnr) then
    return "gotrace"
  end
end

--- Notes that a buffer has got the file type gotrace, from us or from the user.
---@param bufnr integer
function M.note_trace(bufnr)
  looks[bufnr] = { was_trace = true }
end

--- Looks at a buffer again that was no trace so far, if it has changed its size since.
---@param bufnr integer
local function recheck(bufnr)
  -- `:filetype off` means no detection, ours included.
  if not vim.g.did_load_filetypes or not api.nvim_buf_is_loaded(bufnr) or vim.bo[bufnr].buftype ~= "" then
    return
  end
  local filetype = vim.bo[bufnr].filetype
  local is_host = vim.list_contains(M.host_filetypes, filetype)
  if filetype ~= "" and not is_host then
    return
  end
  local look = looks[bufnr] or {}
  looks[bufnr] = look
  local size = size_of(bufnr)
  if look.was_trace or look.size == size then
    return
  end
  look.size = size
  if is_host and #vim.lsp.get_clients({ bufnr = bufnr, name = "gotracelens" }) > 0 then
    return
  end
  if not M.is_trace(bufnr) then
    return
  end
  if is_host then
    require("gotracelens.client").attach(bufnr)
  else
    vim.bo[bufnr].filetype = "gotrace"
  end
end

--- Asks for another look at a buffer soon; many calls in a row give one look.
---@param bufnr integer
function M.recheck_soon(bufnr)
  if is_pending[bufnr] then
    return
  end
  is_pending[bufnr] = true
  vim.defer_fn(function()
    is_pending[bufnr] = nil
    if api.nvim_buf_is_valid(bufnr) then
      recheck(bufnr)
    end
  end, RECHECK_DELAY)
end

--- Forgets a buffer that is gone.
---@param bufnr integer
function M.forget(bufnr)
  looks[bufnr] = nil
end

return M
