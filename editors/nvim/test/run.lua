--- Runs the specs in this folder, started by run.sh. Prints one line per test, the last line says how many passed.
local here = vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(arg[0], ":p")))
package.path = here .. "/?.lua;" .. package.path
vim.opt.runtimepath:prepend(vim.fs.dirname(here))

--- Milliseconds after which the tests that are left count as failed without being run.
local SUITE_TIMEOUT = 240000

local editor = require("editor")
local n_passed, n_failed = 0, 0
local started = vim.uv.now()

--- One test; it fails when `body` raises an error.
---@param name string
---@param body fun()
function _G.it(name, body)
  vim.uv.update_time()
  if vim.uv.now() - started > SUITE_TIMEOUT then
    body = function()
      error(("not run: the suite has taken more than %d s"):format(SUITE_TIMEOUT / 1000), 0)
    end
  end
  editor.begin_test()
  local is_ok, err = xpcall(body, function(err)
    return type(err) == "string" and err or vim.inspect(err)
  end)
  editor.end_test()
  if is_ok then
    n_passed = n_passed + 1
  else
    n_failed = n_failed + 1
  end
  io.stdout:write(("%s  %s\n"):format(is_ok and "ok  " or "FAIL", name))
  if not is_ok then
    io.stdout:write("      " .. err:gsub("\n", "\n      ") .. "\n")
  end
end

--- Fails with both values unless they are equal.
---@param got any
---@param wanted any
---@param what? string
function _G.equal(got, wanted, what)
  if not vim.deep_equal(got, wanted) then
    error(("%s: wanted %s, got %s"):format(what or "values differ", vim.inspect(wanted), vim.inspect(got)), 2)
  end
end

--- Fails unless `text` holds `part` literally.
---@param text string
---@param part string
---@param what? string
function _G.contains(text, part, what)
  if not text:find(part, 1, true) then
    error(("%s: wanted %q in:\n%s"):format(what or "text", part, text), 2)
  end
end

--- Fails if `text` holds `part` literally.
---@param text string
---@param part string
---@param what? string
function _G.lacks(text, part, what)
  if text:find(part, 1, true) then
    error(("%s: wanted no %q in:\n%s"):format(what or "text", part, text), 2)
  end
end

-- Every spec there is: one that is left out of a list never fails.
local specs = vim.fn.glob(here .. "/*_spec.lua", true, true)
table.sort(specs)
for _, spec in ipairs(specs) do
  local name = vim.fs.basename(spec):gsub("%.lua$", "")
  require(name)
end
io.stdout:write(("%d passed, %d failed\n"):format(n_passed, n_failed))
os.exit(n_failed == 0 and 0 or 1)
