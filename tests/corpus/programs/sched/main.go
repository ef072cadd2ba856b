// Sched does one thing that a scheduler trace shows, for so many seconds: see the manifest of judged/sched.
//
//	GODEBUG=schedtrace=1000,scheddetail=1 GOMAXPROCS=4 sched leak 45 2> leak.log
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"syscall"
	"time"
)

var sink int
var hold []byte

func spin(until time.Time) {
	for time.Now().Before(until) {
		for i := 0; i < 1000; i++ {
			sink += i
		}
	}
}

func main() {
	mode := os.Args[1]
	secs, _ := strconv.ParseFloat(os.Args[2], 64)
	end := time.Now().Add(time.Duration(secs * float64(time.Second)))
	switch mode {
	case "leak": // senders that nobody receives from
		for time.Now().Before(end) {
			ch := make(chan int)
			go func() { ch <- 1 }()
			time.Sleep(70 * time.Millisecond)
		}
	case "leakcheck": // the same, and a check for leaked goroutines now and then
		for i := 0; time.Now().Before(end); i++ {
			go func() { make(chan int) <- 1 }()
			time.Sleep(200 * time.Millisecond)
			if profile := pprof.Lookup("goroutineleak"); profile != nil && i%20 == 19 {
				profile.WriteTo(io.Discard, 0)
			}
		}
	case "reads": // busy goroutines beside long system calls
		for i := 0; i < 4; i++ {
			var p [2]int
			syscall.Pipe(p[:])
			go func() {
				var b [1]byte
				for {
					syscall.Read(p[0], b[:])
				}
			}()
			go func() {
				for time.Now().Before(end) {
					syscall.Write(p[1], []byte{1})
					spin(time.Now().Add(20 * time.Millisecond))
					runtime.Gosched()
				}
			}()
		}
		time.Sleep(time.Until(end))
	case "gcbusy": // long marking beside goroutines that want a P
		type node struct{ l, r *node }
		var grow func(d int) *node
		grow = func(d int) *node {
			if d == 0 {
				return &node{}
			}
			return &node{grow(d - 1), grow(d - 1)}
		}
		keep := grow(21)
		var wg sync.WaitGroup
		for i := 0; i < 12; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for time.Now().Before(end) {
					t := grow(12)
					_ = t
					runtime.Gosched()
				}
			}()
		}
		wg.Wait()
		runtime.KeepAlive(keep)
	case "pool": // fills to 119 in the first third, then works
		jobs := make(chan int)
		n := 0
		fill := time.Duration(secs/3*1e9) / 119
		last := time.Now()
		for time.Now().Before(end) {
			if n < 119 && time.Since(last) >= fill {
				n++
				last = time.Now()
				go func() {
					for range jobs {
						time.Sleep(3 * time.Millisecond)
					}
				}()
			}
			select {
			case jobs <- 1:
			case <-time.After(20 * time.Millisecond):
			}
			time.Sleep(5 * time.Millisecond)
		}
	case "spin": // 60 spinners
		var wg sync.WaitGroup
		for i := 0; i < 60; i++ {
			wg.Add(1)
			go func() { defer wg.Done(); spin(end) }()
		}
		wg.Wait()
	case "syscalls": // 300 blocking calls, one after the other
		each := time.Duration(secs*0.8*1e9) / 300
		for i := 0; i < 300; i++ {
			var p [2]int
			syscall.Pipe(p[:])
			go func() { var b [1]byte; syscall.Read(p[0], b[:]) }()
			time.Sleep(each)
		}
		time.Sleep(time.Until(end))
	case "syscallsnow": // at once
		for i := 0; i < 300; i++ {
			var p [2]int
			syscall.Pipe(p[:])
			go func() { var b [1]byte; syscall.Read(p[0], b[:]) }()
		}
		time.Sleep(time.Until(end))
	case "flip":
		for i := 0; time.Now().Before(end); i++ {
			runtime.GOMAXPROCS(2 + 2*(i%2))
			spin(time.Now().Add(300 * time.Millisecond))
			time.Sleep(time.Second)
		}
	case "timers":
		ch := make(chan int)
		go func() {
			for {
				ch <- 1
				time.Sleep(50 * time.Microsecond)
			}
		}()
		for time.Now().Before(end) {
			select {
			case <-ch:
			case <-time.After(time.Minute):
			}
		}
	case "loop": // a loop without calls, beside one that allocates
		go func() {
			for {
				hold = make([]byte, 1<<16)
				sink += len(hold)
			}
		}()
		time.Sleep(300 * time.Millisecond)
		go func() {
			x := 0
			for {
				x++
			}
		}()
		time.Sleep(time.Until(end))
	case "locked": // goroutines that keep their threads
		for time.Now().Before(end) {
			go func() { runtime.LockOSThread(); select {} }()
			time.Sleep(250 * time.Millisecond)
		}
	case "service": // steady work in short bursts
		var wg sync.WaitGroup
		for i := 0; i < 8; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for time.Now().Before(end) {
					spin(time.Now().Add(2 * time.Millisecond))
					time.Sleep(10 * time.Millisecond)
				}
			}()
		}
		wg.Wait()
	case "batches": // 200 goroutines come and go every 6 s
		for time.Now().Before(end) {
			var wg sync.WaitGroup
			for i := 0; i < 200; i++ {
				wg.Add(1)
				go func() { defer wg.Done(); time.Sleep(time.Duration(3+i%3) * time.Second) }()
				time.Sleep(10 * time.Millisecond)
			}
			wg.Wait()
			time.Sleep(time.Second)
		}
	}
	fmt.Fprintln(os.Stderr, "done", mode, sink&1)
}
