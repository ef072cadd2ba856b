package main

import (
	"bytes"
	"context"
	"math"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func init() {
	modes["ids"] = mode{"requests are entered into a map and never deleted", ids}
	modes["stuck-chan"] = mode{"goroutines that send to nobody", func(s *service) { stuck(s, stuckSend) }}
	modes["stuck-lock"] = mode{"goroutines that wait for a lock that is never released", func(s *service) { stuck(s, stuckLock) }}
	modes["stuck-select"] = mode{"goroutines in a select of two channels", func(s *service) { stuck(s, stuckSelect) }}
	modes["stuck-sleep"] = mode{"goroutines that sleep for hours", func(s *service) { stuck(s, func() { time.Sleep(9 * time.Hour) }) }}
	modes["stuck-group"] = mode{"goroutines that wait for a group", func(s *service) { stuck(s, stuckGroup) }}
	modes["stuck-net"] = mode{"connections that are never read to the end", stuckNet}
	modes["stuck-deep"] = mode{"goroutines parked below a deep recursion", func(s *service) { stuck(s, func() { descend(150, make(chan int)) }) }}
	modes["threads"] = mode{"threads that read from pipes nobody writes to", threads}
	modes["tickers"] = mode{"tickers that are never stopped", tickers}
	modes["afterfuncs"] = mode{"timers of hours with what they will need", afterfuncs}
	modes["substrings"] = mode{"a few letters of each line are kept, and with them the line", substrings}
	modes["late"] = mode{"nothing until -at, then it leaks", late}
	modes["sawleak"] = mode{"batches each -period, each leaves a rest", sawleak}
	modes["steps"] = mode{"every -period some megabytes more", steps}
	modes["queue"] = mode{"a queue whose reader is slower than its writer", queue}
	modes["append"] = mode{"one slice that is appended to for ever", appended}
	modes["contexts"] = mode{"contexts of one parent, never cancelled", contexts}
	modes["memo"] = mode{"a table of results without a bound, ever fewer of them new", memo}
	modes["trickle"] = mode{"leaks -size over the run above garbage of all sizes", trickle}
	modes["accel"] = mode{"leaks with the square of the time", accel}
	modes["evict-slow"] = mode{"a cache whose eviction keeps up with half of what comes", evictSlow}
}

func ids(s *service) {
	m := map[int]*record{}
	n := 0
	s.step = func() {
		for want := *size * 1e6 * s.x; s.held < want; s.held += 620 {
			m[n] = newRecord(500)
			n++
		}
		for i := 0; i < 30 && n > 0; i++ {
			sink = m[s.rand.Intn(n)].body
		}
	}
}

func stuck(s *service, f func()) {
	n := 0
	s.step = func() {
		for want := *size * 1000 * s.x; float64(n) < want; n++ {
			go f()
		}
	}
}

func stuckSend() { make(chan int) <- 1 }

var never sync.Mutex

func stuckLock() { never.Lock() }

func stuckSelect() {
	select {
	case <-make(chan int):
	case <-make(chan string):
	}
}

func stuckGroup() {
	var wg sync.WaitGroup
	wg.Add(1)
	wg.Wait()
}

func descend(n int, c chan int) int {
	var pad [16]int
	if n == 0 {
		return <-c
	}
	pad[n%16] = descend(n-1, c)
	return pad[n%16] + pad[0]
}

func stuckNet(s *service) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { b := make([]byte, 4096); c.Read(b) }()
		}
	}()
	n := 0
	s.step = func() {
		for want := *size * 1000 * s.x; float64(n) < want; n++ {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				panic(err)
			}
			anchor = append(anchor, c)
		}
	}
}

func threads(s *service) {
	n := 0
	never.Lock()
	s.step = func() {
		for want := *size * 1000 * s.x; float64(n) < want; n++ {
			go func() {
				runtime.LockOSThread()
				var p [2]int
				if syscall.Pipe(p[:]) != nil {
					os.Exit(3)
				}
				syscall.Read(p[0], make([]byte, 1))
			}()
		}
	}
}

func tickers(s *service) {
	n := 0
	s.step = func() {
		for want := *size * 1000 * s.x; float64(n) < want; n++ {
			_ = time.NewTicker(time.Minute)
		}
	}
}

func afterfuncs(s *service) {
	s.step = func() {
		for want := *size * 1e6 * s.x; s.held < want; s.held += 1200 {
			r := newRecord(1000)
			time.AfterFunc(5*time.Hour, func() { r.body[0]++ })
		}
	}
}

func substrings(s *service) {
	var words []string
	s.step = func() {
		for want := *size * 1e6 * s.x; s.held < want; s.held += 4096 {
			line := string(bytes.Repeat([]byte{'a' + byte(len(words)%26)}, 4000))
			words = append(words, line[10:18])
		}
	}
}

func late(s *service) {
	var rows []*record
	s.step = func() {
		for want := *size * 1e6 * math.Max(0, s.x-*at) / (1 - *at); s.held < want; s.held += 900 {
			rows = append(rows, newRecord(800))
		}
	}
}

func sawleak(s *service) {
	var batch, rest []*record
	s.step = func() {
		phase := math.Mod(s.t, *period) / *period
		if phase < 0.02 {
			batch = nil
		}
		for float64(len(batch)) < *size*1e6/900*phase {
			batch = append(batch, newRecord(800))
		}
		for want := *size * 1e6 * s.x; s.held < want; s.held += 900 {
			rest = append(rest, newRecord(800))
		}
	}
}

func steps(s *service) {
	var rows []*record
	n := math.Floor(*seconds / *period)
	s.step = func() {
		for want := *size * 1e6 * math.Floor(s.t / *period) / n; s.held < want; s.held += 1100 {
			rows = append(rows, newRecord(1000))
		}
	}
}

func queue(s *service) {
	jobs := make(chan *record, 10_000_000)
	in, out := 0.0, 0.0
	rate := *size * 1e6 / *seconds / 100
	s.step = func() {
		for in += 3 * rate; in > 0; in -= 1300 {
			jobs <- newRecord(1200)
			s.held += 1300
		}
		for out += 2 * rate; out > 0; out -= 1300 {
			<-jobs
			s.held -= 1300
		}
	}
}

func appended(s *service) {
	type event struct {
		at   int64
		kind [3]int64
	}
	var events []event
	s.step = func() {
		for want := *size * 1e6 * s.x; float64(len(events))*32 < want; {
			events = append(events, event{at: int64(len(events))})
		}
		s.held = float64(cap(events)) * 32
	}
}

func contexts(s *service) {
	parent, cancel := context.WithCancel(context.Background())
	anchor = append(anchor, cancel)
	s.step = func() {
		for want := *size * 1e6 * s.x; s.held < want; s.held += 450 {
			_, c := context.WithTimeout(parent, 40*time.Hour)
			_ = c
		}
	}
}

func memo(s *service) {
	m := map[int][]byte{}
	s.step = func() {
		for want := *size * 1e6 * math.Sqrt(s.x); s.held < want; s.held += 700 {
			m[len(m)] = make([]byte, 600)
		}
	}
}

func trickle(s *service) {
	var kept []interface{}
	s.step = func() {
		if s.tick%40 == 0 {
			sink = make([]byte, 1<<20)
		}
		for want := *size * 1e6 * s.x; s.held < want; s.held += 300 {
			kept = append(kept, &record{body: make([]byte, 200)})
		}
	}
}

func accel(s *service) {
	var rows []*record
	s.step = func() {
		for want := *size * 1e6 * s.x * s.x; s.held < want; s.held += 900 {
			rows = append(rows, newRecord(800))
		}
	}
}

func evictSlow(s *service) {
	m := map[int]*record{}
	n, first := 0, 0
	acc := 0.0
	rate := 2 * *size * 1e6 / *seconds / 100
	s.step = func() {
		for acc += rate; acc > 0; acc -= 1100 {
			m[n] = newRecord(1000)
			n++
			if n%2 == 0 {
				delete(m, first)
				first += 1
			}
		}
		s.held = float64(len(m)) * 1100
	}
}
