-- Buffers of the file type gotrace. A log is somebody else's text: no modelines are obeyed in it.
if vim.b.did_ftplugin then
  return
end
vim.b.did_ftplugin = 1

vim.bo.modeline = false
vim.bo.commentstring = ""
vim.b.undo_ftplugin = "setlocal modeline< commentstring< | silent! delcommand -buffer Gotracelens"

require("gotracelens.commands").create(vim.api.nvim_get_current_buf())
