--- A Neovim of its own for one test: started as a user starts it, with the plugin on its runtime path, driven by RPC.
local M = {}

local plugin = vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(debug.getinfo(1, "S").source:sub(2))))
local env = vim.env
local running = {} ---@type test.Editor[]
local n_files = 0

--- How long all that one test waits for may take together; generous, because test machines are busy.
M.TIMEOUT = 20000

--- When the test that runs must be done, on the clock of `vim.uv.now()`.
local deadline = 0
local watchdog = assert(vim.uv.new_timer())

--- Loaded into every editor: the text of an area of the screen, 0-based.
local SCREEN_TEXT = [[
  function screen_text(row, col, width, height)
    vim.cmd("redraw!")
    local rows = {}
    for r = row + 1, row + height do
      local cells = {}
      for c = col + 1, col + width do
        cells[#cells + 1] = vim.fn.screenstring(r, c)
      end
      rows[#rows + 1] = vim.trim(table.concat(cells))
    end
    return table.concat(rows, "\n")
  end
]]

---@class test.Editor
---@field job integer
---@field pid integer
local Editor = {}
Editor.__index = Editor

---@class test.EditorOptions
---@field opts? table what `vim.g.gotracelens` is set to; the server under test is added unless `opts.server` is given
---@field before? string Lua run before the plugin is loaded, as a user's init.lua

--- Starts an editor.
---@param options? test.EditorOptions
---@return test.Editor
function M.start(options)
  options = options or {}
  local opts = vim.tbl_deep_extend("keep", options.opts or {}, { server = { path = env.GOTRACELENS_TEST_SERVER } })
  local init = M.file("init.lua", {
    ("vim.opt.runtimepath:prepend(%q)"):format(plugin),
    ("vim.g.gotracelens = vim.json.decode(%q)"):format(vim.json.encode(opts)),
    "notified = {}",
    "vim.notify = function(text) table.insert(notified, text) end",
    options.before or "",
  })
  -- Not --clean, which would leave the init file out; run.sh has given us an empty home.
  local job = vim.fn.jobstart({ env.GOTRACELENS_TEST_NVIM, "--embed", "--headless", "-n", "-i", "NONE", "-u", init }, {
    rpc = true,
  })
  assert(job > 0, "Neovim does not start")
  local self = setmetatable({ job = job, pid = vim.fn.jobpid(job) }, Editor)
  running[#running + 1] = self
  self:lua(SCREEN_TEXT)
  local messages = self:lua([[return vim.fn.execute("messages")]])
  assert(not messages:find("Error"), "the start of Neovim says:" .. messages)
  return self
end

--- Starts the clock of a test. An editor that stops answering, for instance at a prompt, is killed when time is up.
function M.begin_test()
  vim.uv.update_time()
  deadline = vim.uv.now() + M.TIMEOUT
  watchdog:start(M.TIMEOUT + 2000, 0, function()
    for _, editor in ipairs(running) do
      vim.uv.kill(editor.pid, "sigkill")
    end
  end)
end

--- Ends every editor that is still there, and the clock.
function M.end_test()
  watchdog:stop()
  for _, editor in ipairs(running) do
    vim.fn.jobstop(editor.job)
    vim.fn.jobwait({ editor.job }, 3000)
  end
  running = {}
end

--- Writes a file of its own for a test.
---@param name string
---@param lines string[]
---@return string path
function M.file(name, lines)
  n_files = n_files + 1
  local path = ("%s/%d/%s"):format(env.GOTRACELENS_TEST_FILES, n_files, name)
  vim.fn.mkdir(vim.fs.dirname(path), "p")
  vim.fn.writefile(lines, path)
  return path
end

--- The path of a log of the corpus.
---@param name string
---@return string
function M.log(name)
  return vim.fs.joinpath(env.GOTRACELENS_TEST_LOGS, name)
end

--- Waits until `condition` gives something true and returns it.
---@generic T
---@param what string
---@param condition fun(): T
---@param seen? fun(): string what was there instead, for the error
---@return T
function M.wait(what, condition, seen)
  local value
  vim.uv.update_time()
  vim.wait(math.max(deadline - vim.uv.now(), 0), function()
    value = condition()
    return value and true or false
  end, 20)
  if not value then
    error(("timed out waiting for %s%s"):format(what, seen and "; there is:\n" .. seen() or ""), 2)
  end
  return value
end

--- Runs Lua in the editor; `...` are its arguments.
---@param code string
---@return any
function Editor:lua(code, ...)
  return vim.rpcrequest(self.job, "nvim_exec_lua", code, { ... })
end

--- Runs an Ex command in the editor.
---@param command string
function Editor:cmd(command)
  vim.rpcrequest(self.job, "nvim_command", command)
end

--- Types keys, as a user.
---@param keys string
function Editor:type(keys)
  vim.rpcrequest(self.job, "nvim_input", keys)
end

--- Opens a file.
---@param path string
function Editor:open(path)
  self:cmd("edit " .. vim.fn.fnameescape(path))
end

--- Waits until an expression of Lua is true in the editor, and returns it.
---@param what string
---@param expression string
---@return any
function Editor:wait(what, expression)
  return M.wait(what, function()
    local value = self:lua("return " .. expression)
    return value ~= vim.NIL and value or nil
  end)
end

--- Waits until a client of ours has answered `initialize` in the current buffer.
function Editor:wait_attached()
  self:wait("the client to attach", [[(function()
    local client = vim.lsp.get_clients({ bufnr = 0, name = "gotracelens" })[1]
    return client and client.initialized and client.id or nil
  end)()]])
end

--- Lets the editor live long enough for everything it would do on its own, then says whether a client is attached.
---@return boolean
function Editor:stays_unattached()
  vim.wait(1000)
  return self:lua([[return #vim.lsp.get_clients({ bufnr = 0, _uninitialized = true }) == 0]])
end

---@return string
function Editor:filetype()
  return self:lua("return vim.bo.filetype")
end

--- The lenses known in the current buffer.
---@return string[] titles
function Editor:lenses()
  return self:lua([[
    local lenses = vim.lsp.codelens.enable and vim.lsp.codelens.get({ bufnr = 0 }) or vim.lsp.codelens.get(0)
    return vim.iter(lenses):map(function(item)
      local lens = item.lens or item
      return lens.command and lens.command.title or nil
    end):totable()
  ]])
end

--- What is on the screen, a line of text per row.
---@return string
function Editor:screen()
  return self:lua("return screen_text(0, 0, vim.o.columns, vim.o.lines)")
end

--- Puts the cursor on a place (1-based line, 0-based byte column), asks for a hover and waits until what the float
--- shows passes `is_right`. The rows are joined with spaces, for a wrapped sentence is still one sentence.
---@param line integer
---@param col integer
---@param is_right fun(text: string): boolean
function Editor:hover(line, col, is_right)
  -- High enough for a whole hover below or above the cursor, narrow enough for wrapped lines.
  self:lua("vim.o.columns, vim.o.lines = 70, 100")
  self:lua("vim.api.nvim_win_set_cursor(0, { ... }); vim.lsp.buf.hover()", line, col)
  local text = "no float"
  M.wait("the hover", function()
    -- The float moves with the lines when a lens comes in, so its place and its text are taken in one go.
    text = self:lua([[
      vim.cmd("redraw!")
      for _, win in ipairs(vim.api.nvim_list_wins()) do
        if vim.api.nvim_win_get_config(win).relative ~= "" then
          local at = vim.api.nvim_win_get_position(win)
          return screen_text(at[1], at[2], vim.api.nvim_win_get_width(win), vim.api.nvim_win_get_height(win))
        end
      end
      return "no float"
    ]]):gsub("%s+", " ")
    return is_right(text)
  end, function()
    return text
  end)
end

--- The processes the editor has started.
---@return integer[]
function Editor:children()
  return vim.api.nvim_get_proc_children(self.pid)
end

return M
