--- Commands about a place in a buffer: to go there, and to have told what happened there.
---
--- Lenses and actions of the server carry them with the place; `:Gotracelens narrate` takes the cursor's.
local M = {}

local api = vim.api

---@param text string
local function say(text)
  vim.notify("gotracelens: " .. text, vim.log.levels.INFO)
end

--- Asks the server of a buffer about a place.
---@param method string
---@param params table
---@param bufnr integer
---@param take fun(answer: table)
---@param nothing string what is said when there is no answer
local function ask(method, params, bufnr, take, nothing)
  local client = vim.lsp.get_clients({ name = "gotracelens", bufnr = bufnr })[1]
  if not client then
    return say("no server is attached to this buffer")
  end
  client:request(method, params, function(err, answer)
    if err then
      say(err.message)
    elseif answer and answer ~= vim.NIL then
      take(answer)
    else
      say(nothing)
    end
  end, bufnr)
end

--- The place of the cursor.
---@return lsp.TextDocumentPositionParams
local function cursor()
  local client = vim.lsp.get_clients({ name = "gotracelens", bufnr = 0 })[1]
  return vim.lsp.util.make_position_params(0, client and client.offset_encoding or "utf-16")
end

--- Shows a line, counted from 0.
---@param uri string
---@param line integer
local function reveal(uri, line)
  local bufnr = vim.uri_to_bufnr(uri)
  if not api.nvim_buf_is_loaded(bufnr) then
    return
  end
  if api.nvim_get_current_buf() ~= bufnr then
    vim.cmd.buffer(bufnr)
  end
  -- So that <C-O> leads back.
  vim.cmd.normal({ args = { "m'" }, bang = true })
  api.nvim_win_set_cursor(0, { math.min(line + 1, api.nvim_buf_line_count(bufnr)), 0 })
  vim.cmd.normal({ args = { "zz" }, bang = true })
end

--- Goes to a finding and lists all that was found in the buffer.
---@param uri string
---@param line integer
local function show_findings(uri, line)
  reveal(uri, line)
  vim.diagnostic.setloclist({ title = "gotracelens" })
end

--- Shows in a window at the cursor what a request tells about a place, else about the cursor.
---@param method string
---@param place? lsp.TextDocumentPositionParams|{ textDocument: lsp.TextDocumentIdentifier, code: string }
---@param nothing string what is said when there is nothing to tell
local function tell(method, place, nothing)
  place = place or cursor()
  ask(method, place, vim.uri_to_bufnr(place.textDocument.uri), function(answer)
    vim.lsp.util.open_floating_preview(
      vim.split(answer.markdown, "\n"),
      "markdown",
      { focus_id = method, wrap = true, max_width = 100 }
    )
  end, nothing)
end

--- Tells what happened at a place.
---@param place? lsp.TextDocumentPositionParams
function M.narrate(place)
  tell("gotracelens/narrate", place, "nothing to tell about this line")
end

--- Tells what to set for the run at a place.
---@param place? lsp.TextDocumentPositionParams
function M.tune(place)
  tell("gotracelens/tune", place, "this line belongs to no run that shows what its collections cost")
end

--- Milliseconds of `2s`, `250ms` or `2`, which is seconds.
---@param time string
---@return integer? ms
local function milliseconds(time)
  local number, unit = time:match("^(%d+%.?%d*)%s*(%a*)$")
  local factor = ({ [""] = 1000, s = 1000, ms = 1, m = 60000, min = 60000 })[unit]
  return number and factor and math.floor(tonumber(number) * factor) or nil
end

--- Lists in the location list what was said around a place, else around the cursor, in all open logs of the process.
---@param time? string how far: `2s`, `250ms`; a second where it is not said
---@param place? lsp.TextDocumentPositionParams
function M.around(time, place)
  local within = milliseconds((time == nil or time == "") and "1s" or time)
  if not within then
    return say(("%q is no time: 2s, 250ms"):format(time))
  end
  local params = vim.tbl_extend("keep", { withinMs = within, allDocuments = true }, place or cursor())
  ask("gotracelens/around", params, vim.uri_to_bufnr(params.textDocument.uri), function(answer)
    local items, focus = {}, nil
    for i, entry in ipairs(answer.entries) do
      items[i] = {
        bufnr = vim.uri_to_bufnr(entry.uri),
        lnum = entry.range.start.line + 1,
        col = 1,
        text = ("%+.3f s  %s  %s"):format(entry.deltaMs / 1000, entry.family, entry.text),
      }
      focus = entry.isFocus and i or focus
    end
    vim.fn.setloclist(0, {}, " ", { title = "around " .. answer.at, items = items, idx = focus or 1 })
    vim.cmd.lopen()
  end, "this line has no time")
end

--- Puts a text into the registers that `p` and the system's clipboard read.
---@param text string
local function copy(text)
  vim.fn.setreg('"', text)
  -- Without a clipboard this register keeps nothing, or says so in a message of its own.
  pcall(vim.fn.setreg, "+", text)
  say("copied: " .. vim.split(text, "\n")[1])
end

--- Writes a file that an edit of the server has changed in a buffer.
---@param uri string
local function save(uri)
  local bufnr = vim.uri_to_bufnr(uri)
  vim.fn.bufload(bufnr)
  api.nvim_buf_call(bufnr, function()
    vim.cmd.write({ mods = { silent = true, noautocmd = false } })
  end)
end

--- What the server may put into lenses and actions, by name.
---@type table<string, fun(command: lsp.Command)>
local COMMANDS = {
  ["gotracelens.around"] = function(command)
    M.around(nil, command.arguments[1])
  end,
  ["gotracelens.copy"] = function(command)
    copy(command.arguments[1])
  end,
  ["gotracelens.evidence"] = function(command)
    tell("gotracelens/evidence", command.arguments[1], "this rule has nothing to say about the run")
  end,
  ["gotracelens.narrate"] = function(command)
    M.narrate(command.arguments[1])
  end,
  ["gotracelens.openPage"] = function(command)
    require("gotracelens.pages").open(command.arguments[1])
  end,
  ["gotracelens.reveal"] = function(command)
    reveal(unpack(command.arguments))
  end,
  ["gotracelens.saveMutes"] = function(command)
    save(command.arguments[1])
  end,
  ["gotracelens.showFindings"] = function(command)
    show_findings(unpack(command.arguments))
  end,
  ["gotracelens.tune"] = function(command)
    M.tune(command.arguments[1])
  end,
}

--- The names of the commands, in order.
---@return string[]
function M.commands()
  local names = vim.tbl_keys(COMMANDS)
  table.sort(names)
  return names
end

--- Makes Neovim run the commands that lenses and actions of this client carry.
---@param client vim.lsp.Client
function M.enable(client)
  for name, run in pairs(COMMANDS) do
    client.commands[name] = run
  end
end

return M
