--- The command `:Gotracelens`, in buffers that hold a trace.
local M = {}

---@type table<string, fun(rest: string)>
local SUBCOMMANDS = {
  around = function(time)
    require("gotracelens.places").around(time)
  end,
  info = function()
    require("gotracelens.client").show_info()
  end,
  log = function()
    require("gotracelens.client").open_log()
  end,
  page = function(name)
    require("gotracelens.pages").open(name == "" and "index" or name)
  end,
  narrate = function()
    require("gotracelens.places").narrate()
  end,
  restart = function()
    require("gotracelens.client").restart()
  end,
  tune = function()
    require("gotracelens.places").tune()
  end,
}

--- Subcommands that take something behind them.
local WITH_REST = { around = true, page = true }

---@param args vim.api.keyset.create_user_command.command_args
local function run(args)
  local name, rest = args.args:match("^(%S*)%s*(.-)%s*$")
  local subcommand = SUBCOMMANDS[name]
  if subcommand and (rest == "" or WITH_REST[name]) then
    subcommand(rest)
  else
    vim.notify(
      ("gotracelens: no subcommand %q, there are %s"):format(args.args, table.concat(M.complete(""), ", ")),
      vim.log.levels.ERROR
    )
  end
end

--- The subcommands that start with `lead`; behind `page` the names of pages.
---@param lead string
---@param line? string
---@return string[]
function M.complete(lead, line)
  if line and line:match("^%s*%S+%s+page%s") then
    return require("gotracelens.pages").complete(lead)
  end
  return vim.iter(vim.spairs(SUBCOMMANDS))
    :map(function(name)
      return vim.startswith(name, lead) and name or nil
    end)
    :totable()
end

--- Creates the command in a buffer.
---@param bufnr integer
function M.create(bufnr)
  vim.api.nvim_buf_create_user_command(bufnr, "Gotracelens", run, {
    nargs = "+",
    complete = M.complete,
    desc = "gotracelens: " .. table.concat(M.complete("", "", 0), ", "),
  })
end

return M
