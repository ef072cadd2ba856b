--- What each log of the corpus must show: the table that the tests of all editors read. Its `about` explains it.
---@class test.Hover
---@field line integer
---@field needle string
---@field starts string
---@field has string[]

---@class test.Diagnostic
---@field line integer
---@field code string
---@field severity "error"|"warning"|"info"
---@field has string

---@class test.Expectation
---@field log string below the folder of logs
---@field lenses string[][]
---@field hovers test.Hover[]
---@field diagnostics test.Diagnostic[]

---@type { raw_markup: string[], logs: test.Expectation[] }
return vim.json.decode(table.concat(vim.fn.readfile(vim.env.GOTRACELENS_TEST_EXPECTATIONS), "\n"))
