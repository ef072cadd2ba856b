--- The command `:Gotracelens`, in buffers that hold a trace.
local M = {}

---@type table<string, fun()>
local SUBCOMMANDS = {
  info = function()
    require("gotracelens.client").show_info()
  end,
  log = function()
    require("gotracelens.client").open_log()
  end,
  restart = function()
    require("gotracelens.client").restart()
  end,
}

---@param args vim.api.keyset.create_user_command.command_args
local function run(args)
  local subcommand = SUBCOMMANDS[args.args]
  if subcommand then
    subcommand()
  else
    vim.notify(
      ("gotracelens: no subcommand %q, there are %s"):format(args.args, table.concat(M.complete(""), ", ")),
      vim.log.levels.ERROR
    )
  end
end

--- The subcommands that start with `lead`.
---@param lead string
---@return string[]
function M.complete(lead)
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
    nargs = 1,
    complete = M.complete,
    desc = "gotracelens: info, log or restart",
  })
end

return M
