// Command backends is one of several small services, which hold memory, goroutines, timers or mapped memory in one way
// each, or end in one. Its standard error is recorded.
package main

import (
	"flag"
	"fmt"
	"log"
	"math/rand"
	"time"
)

var (
	mode    = flag.String("mode", "", "")
	seconds = flag.Float64("seconds", 90, "")
	size    = flag.Float64("size", 30, "MB or count")
	churn   = flag.Float64("churn", 4, "MB/s")
	at      = flag.Float64("at", 0.5, "")
	seed    = flag.Int64("seed", 1, "")
	start   = time.Now()
	sink    []byte
)

func left() bool { return time.Since(start).Seconds() < *seconds }

func part() float64 { return time.Since(start).Seconds() / *seconds }

func nap(ms int) { time.Sleep(time.Duration(ms) * time.Millisecond) }

func perStep(ms int) float64 { return *size * float64(ms) / 1000 / *seconds } // MB a step so that size is reached at the end

func garbage() {
	r := rand.New(rand.NewSource(*seed))
	for {
		todo := int(*churn * (1 << 20) / 20)
		for todo > 0 {
			n := 200 + r.Intn(6000)
			sink = make([]byte, n)
			todo -= n
		}
		nap(50)
	}
}

type row struct {
	key   string
	value []byte
	next  *row
}

func newRow(i int) *row {
	return &row{key: fmt.Sprintf("row-%09d", i), value: make([]byte, 400+i%300)}
}

// fill returns rows that take about mb.
func fill(mb float64) []*row {
	n := int(mb * (1 << 20) / 640)
	s := make([]*row, n)
	for i := range s {
		s[i] = newRow(i)
	}
	return s
}

// sessions expire after a fixed life; arrivals rise for the first part and then stay.

// errs appends wrapped errors to one chain.

// ring of samples for the last n seconds, in chunks; full at at.

func main() {
	flag.Parse()
	if *churn > 0 {
		go garbage()
	}
	switch *mode {
	case "lsm":
		lsm(false)
	case "lsm-leak":
		lsm(true)
	case "fanout":
		fanout(true)
	case "fanout-leak":
		fanout(false)
	case "drain":
		drain()
	case "json":
		jsonBurst()
	case "img":
		imgPool()
	case "slices":
		sliceHold()
	case "mapdel":
		mapDel(false)
	case "maproll":
		mapDel(true)
	case "ctx":
		ctxTimeout()
	case "bodies":
		bodies()
	case "cond":
		condStuck()
	case "sem":
		semStuck()
	case "mmap":
		mmapGrow()
	case "steady":
		steady()
	case "hot":
		hot()
	case "timers":
		timerStorm()
	case "freeos":
		freeOS()
	case "etl":
		etl()
	case "buf":
		bufBurst()
	case "wavy":
		wavyLeak()
	case "pool":
		poolWarm()
	case "sessions":
		sessions()
	case "metrics":
		metrics()
	case "errs":
		errs()
	case "listeners":
		listeners()
	case "window":
		window()
	case "serve":
		serve()
	case "string":
		nap(200)
		fmt.Println(&node{name: "root"})
	case "deadlock":
		deadlock()
	case "heap", "block", "mutex", "goroutine":
		profiles(*mode)
	case "dumps":
		dumpsIdle()
	case "oom":
		oom()
	case "multi":
		multiPanic()
	default:
		log.Fatal("no mode ", *mode)
	}
	nap(100)
}
