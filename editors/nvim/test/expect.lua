--- What each log of the corpus must show. Lines count from 1. A missing entry fails its test.
---@class test.Expectation
---@field log string below the folder of logs
---@field lens string[] parts that some lens must hold, all of them
---@field hover { line: integer, needle: string, has: string[] } the hover over the start of `needle`
---@field diagnostic { line: integer, code: string, severity: "ERROR"|"WARN"|"INFO"|"HINT", has: string }

---@type test.Expectation[]
return {
  {
    log = "long/1.24.11-heapleak-p4-s6716.log",
    lens = { "453" },
    hover = { line = 3, needle = "15%", has = { "CPU" } },
    diagnostic = { line = 453, code = "GC101", severity = "WARN", has = "ive heap" },
  },
  {
    log = "runs/1.24.11/runqueue_overload-sched100-p1-s391.log",
    lens = { "60" },
    hover = { line = 2, needle = "runqueue=", has = { "queue" } },
    diagnostic = { line = 60, code = "SC102", severity = "WARN", has = "runnable" },
  },
  {
    log = "wrapped/docker-json-gc0-1.18.10-heapleak.log",
    lens = { "99" },
    hover = { line = 2, needle = "3.3+1.7", has = { "clock" } },
    diagnostic = { line = 99, code = "GC101", severity = "WARN", has = "ive heap" },
  },
}
