--- Detection by content, without a server.
local detect = require("gotracelens.detect")

-- One line of every shape, each as a real runtime printed it.
local TRACE_LINES = {
  ["1.0"] = "gc27(2): 10+23+0 ms 47 -> 23 MB 1150839 -> 526397 (9367763-8841366) objects 248 handoff",
  ["1.1"] = "gc7(2): 0+3+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff, 9(652) steal, 22/4/0 yields",
  ["1.4"] = "gc4(2): 26+1+87+0 us, 0 -> 0 MB, 1603 (1634-31) objects, 4 goroutines, 35/0/0 sweeps, 0(0) handoff, 2(4) steal, 16/1/0 yields",
  ["1.5"] = "gc 2 @0.060s 45%: 14+60+15+45+0.34 ms clock, 29+60+0+161/45/1.0+0.69 ms cpu, 24->46->36 MB, 44 MB goal, 4 P",
  ["1.6"] = "gc 3 @0.024s 22%: 0.025+8.1+0.029 ms clock, 0.051+1.2/3.4/0.58+0.058 ms cpu, 13->19->11 MB, 15 MB goal, 4 P",
  ["1.26"] = "gc 1 @0.038s 0% (checking for goroutine leaks): 0.067+4.3+0.001 ms clock, 0.13+0.53/0/0+0.003 ms cpu, 4->4->3 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 4 P",
  ["GC forced"] = "GC forced",
  ["schedtrace"] = "SCHED 1919ms: gomaxprocs=1 idleprocs=0 threads=3 spinningthreads=0 needspinning=1 idlethreads=1 runqueue=1897 [226]",
  ["scvg"] = "scvg7: inuse: 42, idle: 0, sys: 43, released: 0, consumed: 42 (MB)",
  ["scvg released"] = "forced scvg: 34 MB released",
  ["scav 1.14"] = "scav 41752 KiB work, 44504 KiB total, 100% util",
  ["scav 1.15"] = "scav 3 41752 KiB work, 44504 KiB total, 100% util",
  ["scav 1.21"] = "scav 41752 KiB work (bg), 0 KiB work (eager), 44504 KiB now, 100% util",
}

for shape, line in vim.spairs(TRACE_LINES) do
  it("recognizes " .. shape, function()
    equal(detect.has_trace("starting\n" .. line .. "\nready"), true)
  end)
end

local CARRIERS = {
  ["docker json"] = [[{"log":"gc 1 @0.014s 0%: 0.067+4.3+0.001 ms clock, 0.13+0.53/0/0+0.003 ms cpu, 4-\u003e4-\u003e3 MB, 4 MB goal, 4 P\n","stream":"stderr"}]],
  ["json with every sign escaped"] = [[{"msg":"SCHED 0ms: gomaxprocs\u003d2 idleprocs\u003d1 threads\u003d4"}]],
  ["json with lines joined"] = [[{"msg":"started\ngc 1 @0.014s 0%: 0.067+4.3+0.001 ms clock, 0.13+0.53/0/0+0.003 ms cpu"}]],
  ["journald"] = "May 21 19:09:10 node-3 api[6701]: SCHED 0ms: gomaxprocs=2 idleprocs=0 threads=3",
  ["compose"] = "web_1    | scav 41752 KiB work (bg), 0 KiB work (eager), 44504 KiB now, 100% util",
  ["logrus"] = [[time="2024-02-02T09:33:04Z" level=info msg="gc4(2): 26+1+87+0 us, 0 -> 0 MB, 1603 (1634-31) objects" stream=stderr]],
  ["terminal colors"] = "gc \27[35m1\27[0m @\27[35m0.014\27[0ms \27[35m0\27[0m%: 0.067+4.3+0.001 ms clock, 0.13+0.53/0/0+0.003 ms cpu",
  ["a message without a line end"] = "readygc 1 @0.014s 0%: 0.067+4.3+0.001 ms clock, 0.13+0.53/0/0+0.003 ms cpu",
  ["carriage returns"] = "GC forced\r",
}

for carrier, line in vim.spairs(CARRIERS) do
  it("recognizes a trace behind " .. carrier, function()
    equal(detect.has_trace("first\n" .. line .. "\nlast"), true)
  end)
end

local here = vim.fs.dirname(vim.fs.normalize(debug.getinfo(1, "S").source:sub(2)))
local recognized = table.concat(vim.fn.readfile(vim.fs.joinpath(here, "../../../tests/recognized.json")), "\n")

for _, line in ipairs(vim.json.decode(recognized).lines) do
  it(("recognizes %s: %s"):format(line.shape, line.text:sub(1, 40)), function()
    equal(detect.has_trace("first\n" .. line.text .. "\r\nlast"), true)
    if line.carried then
      local docker = vim.json.encode({ log = line.text .. "\n", stream = "stderr" })
      equal(detect.has_trace("first\n" .. docker .. "\nlast"), true, "from Docker")
      equal(detect.has_trace("Jan 02 03:04:05 host app[7]: " .. line.text), true, "from journald")
    end
  end)
end

local FOREIGN_LINES = {
  "INFO GC forced by the administrator",
  "2026/01/02 03:04:05 GC forced",
  "the line gc 18 @2.1s 3% shows the cycle",
  "gc 12 finished in 3 ms",
  "[gc] 3.2 ms, 10->4 MB",
  "[0.512s][info][gc] GC(3) Pause Young (Normal) (G1 Evacuation Pause) 24M->4M(256M) 3.111ms",
  "SCHED 12ms: job queued",
  "sched: gomaxprocs=4 idleprocs=2",
  "scvg: disabled",
  "scav 3 files",
  "gc3(2): cleaned",
  "2026/01/02 03:04:05 panic: handler failed, recovered",
  'level=error msg="panic: runtime error: index out of range" component=worker',
  "main.c:3:10: fatal error: missing.h: No such file or directory",
  "received SIGQUIT: quitting",
  "SIGTERM: shutting down",
  "started goroutine 7 [worker]: ready",
  "goroutine 7 finished",
  "loading user profile: total 12",
  "cpu profile: 30s",
  "--- mutex: held by 3",
  "pacer: assist ratio is high",
  "init database @12 ms",
  "tracealloc(p, size)",
  "PC=0x45f2a1",
  "exit status 1",
  "Killed",
}

for _, line in ipairs(FOREIGN_LINES) do
  it("does not claim: " .. line, function()
    equal(detect.has_trace("first\n" .. line .. "\nlast"), false)
  end)
end

---@param lines string[]
---@return boolean
local function is_trace(lines)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  local answer = detect.is_trace(bufnr)
  vim.api.nvim_buf_delete(bufnr, { force = true })
  return answer
end

---@param n integer
---@return string[]
local function application_lines(n)
  local lines = {}
  for i = 1, n do
    lines[i] = ("2026/01/02 03:04:05 INFO request served path=/items/%06d status=200 took=12ms"):format(i)
  end
  return lines
end

it("looks at the end of a long buffer", function()
  local lines = application_lines(20000)
  equal(is_trace(lines), false)
  lines[#lines - 100] = TRACE_LINES["1.6"]
  equal(is_trace(lines), true)
end)

it("looks at the first and last 64 KB only", function()
  local lines = application_lines(20000)
  lines[10000] = TRACE_LINES["1.6"]
  equal(is_trace(lines), false)
end)

it("takes an empty buffer for no trace", function()
  equal(is_trace({}), false)
end)

it("answers nothing for a file name alone", function()
  equal(detect.filetype(nil), nil)
  equal(detect.filetype(-1), nil)
end)
