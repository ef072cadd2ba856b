-- Enables the server and the detection of traces. Nothing is required here before a buffer asks for it.
if vim.g.loaded_gotracelens then
  return
end
vim.g.loaded_gotracelens = true

if vim.fn.has("nvim-0.11") == 0 then
  vim.notify("gotracelens: Neovim 0.11 or newer is needed", vim.log.levels.ERROR)
  return
end

-- The priority is negative: every name, extension and pattern anybody has declared comes first. The capture keeps the
-- pattern apart from the ".*" other plugins add, which would replace it.
vim.filetype.add({
  pattern = {
    ["(.*)"] = {
      function(_, bufnr)
        return require("gotracelens.detect").filetype(bufnr)
      end,
      { priority = -100 },
    },
  },
})

-- All other types of tokens have a color in every color scheme, and the server uses no others.
for _, filetype in ipairs({ "gotrace", "log", "text" }) do
  vim.api.nvim_set_hl(0, "@lsp.mod.outlier." .. filetype, { link = "WarningMsg", default = true })
  vim.api.nvim_set_hl(0, "@lsp.typemod.string.file." .. filetype, { link = "@string.special.path", default = true })
end

local group = vim.api.nvim_create_augroup("gotracelens", { clear = true })
vim.api.nvim_create_autocmd({ "BufReadPost", "FileChangedShellPost", "TextChanged", "InsertLeave" }, {
  group = group,
  desc = "recognize a buffer that has grown into a trace",
  callback = function(event)
    if vim.bo[event.buf].buftype == "" and vim.bo[event.buf].filetype ~= "gotrace" then
      require("gotracelens.detect").recheck_soon(event.buf)
    end
  end,
})
vim.api.nvim_create_autocmd("FileType", {
  group = group,
  pattern = "gotrace",
  callback = function(event)
    require("gotracelens.detect").note_trace(event.buf)
  end,
})
vim.api.nvim_create_autocmd("BufReadCmd", {
  group = group,
  pattern = "gotracelens://page/*",
  desc = "show a page of the reference",
  callback = function(event)
    require("gotracelens.pages").read(event.buf, event.match)
  end,
})
vim.api.nvim_create_autocmd("BufWipeout", {
  group = group,
  callback = function(event)
    local detect = package.loaded["gotracelens.detect"]
    if detect then
      detect.forget(event.buf)
    end
  end,
})
vim.api.nvim_create_autocmd("BufWritePost", {
  group = group,
  pattern = { "gotracelens.toml", "gotracelens.mute.toml" },
  desc = "tell the server that settings beside logs have changed",
  callback = function(event)
    require("gotracelens.client").settings_written(event.match)
  end,
})
vim.api.nvim_create_autocmd("LspAttach", {
  group = group,
  desc = "show code lenses in traces",
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == "gotracelens" then
      require("gotracelens.client").on_attach(client, event.buf)
    end
  end,
})

vim.lsp.enable("gotracelens")

-- Loaded late by a plugin manager: the buffers that are there already are looked at as well.
if vim.v.vim_did_enter == 1 then
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    if vim.bo[bufnr].buftype == "" and vim.api.nvim_buf_is_loaded(bufnr) then
      require("gotracelens.detect").recheck_soon(bufnr)
    end
  end
end
