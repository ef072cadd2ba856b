--- Hover windows: Neovim breaks their lines in the middle of words, this module has them broken between words.
local M = {}

local api = vim.api

--- Gives a window the height of its text, as far as the screen goes; it grows away from the cursor.
---@param win integer
local function fit_height(win)
  local height = api.nvim_win_text_height(win, {}).all
  local anchor = api.nvim_win_get_config(win).anchor or "NW"
  local row = api.nvim_win_get_position(win)[1]
  local room = vim.startswith(anchor, "S") and row + api.nvim_win_get_height(win)
    or vim.o.lines - vim.o.cmdheight - 1 - row
  api.nvim_win_set_height(win, math.max(math.min(height, room), 1))
end

--- Breaks the lines of a buffer's hover windows between words from now on.
---@param bufnr integer
function M.enable(bufnr)
  local group = api.nvim_create_augroup(("gotracelens.float.%d"):format(bufnr), { clear = true })
  -- Neovim offers no event for the window itself; the file type of its text is set when the window stands.
  api.nvim_create_autocmd("FileType", {
    group = group,
    pattern = "markdown",
    callback = function(event)
      if not api.nvim_buf_is_valid(bufnr) then
        return true
      end
      for _, win in ipairs(vim.fn.win_findbuf(event.buf)) do
        if vim.w[win].lsp_floating_bufnr == bufnr then
          vim.wo[win].linebreak = true
          -- The rest of a list item stands below its text, not below its mark.
          vim.wo[win].breakindentopt = "list:-1"
          require("gotracelens.pages").follow_links(event.buf)
          -- Later, since Neovim is not done with the height yet.
          vim.schedule(function()
            if api.nvim_win_is_valid(win) then
              fit_height(win)
            end
          end)
        end
      end
    end,
  })
end

return M
