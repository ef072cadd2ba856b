// Command crash runs itself again and again and kills each life with SIGKILL, as the kernel does when memory is short
// and as a supervisor does whom a program did not answer: a killed process writes nothing, its log just ends.
//
//	GODEBUG=gctrace=1 crash -mode heap_leak -lives 4 -kill-rss 160 2>log
//
// Linux only: the resident size is read from /proc. What happened is printed to standard output as JSON, one object a
// life.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

var (
	mode      = flag.String("mode", "steady", "heap_leak, session_leak, goroutine_leak, steady, cache_full, cache_late, batches, requests")
	lives     = flag.Int("lives", 4, "how often it is started")
	killRSS   = flag.Int("kill-rss", 0, "kill at this resident size, MB; 0 for never")
	killAfter = flag.Duration("kill-after", 0, "kill after this time; 0 for never")
	jitter    = flag.Duration("jitter", 0, "kill up to so much later")
	ballast   = flag.Int("ballast", 8, "live from the start, MB")
	rate      = flag.Int("rate", 6, "retained, MB a second, where a mode retains")
	life      = flag.Bool("life", false, "one life; what the program starts itself with")
)

// session is a retained object with pointers.
type session struct {
	next *session
	data []byte
}

var (
	kept     [][]byte
	sessions *session
	garbage  []byte
	base     [][]byte
)

func allocate(bytes int) {
	for ; bytes > 0; bytes -= 8 << 10 {
		garbage = make([]byte, 8<<10)
	}
}

// step does what a mode does in a hundredth of a second.
func step(n int) {
	perStep := *rate << 20 / 100
	switch *mode {
	case "heap_leak":
		allocate(4 * perStep)
		for b := 0; b < perStep; b += 4 << 10 {
			kept = append(kept, make([]byte, 4<<10))
		}
	case "session_leak":
		for b := 0; b < perStep; b += 1 << 10 {
			sessions = &session{next: sessions, data: make([]byte, 1<<10-32)}
		}
	case "goroutine_leak":
		for b := 0; b < perStep; b += 4 << 10 {
			buffer := make([]byte, 2<<10)
			go func() { <-make(chan int); _ = buffer }()
		}
		allocate(perStep)
	case "steady":
		allocate(4 * perStep)
	case "cache_full":
		// Full after a tenth of twenty seconds.
		fill(n, 200)
		allocate(4 * perStep)
	case "cache_late":
		// Full after half of twenty seconds.
		fill(n, 1000)
		allocate(4 * perStep)
	case "batches":
		// A batch of four seconds is built, then dropped.
		if n%400 == 0 {
			kept = nil
		}
		for b := 0; b < perStep; b += 4 << 10 {
			kept = append(kept, make([]byte, 4<<10))
		}
		allocate(2 * perStep)
	case "requests":
		size := (1 + rand.Intn(8)) << 16
		allocate(size)
	}
}

// fill puts the share of a cache of 40 MB in that one of the first n steps adds; later it replaces what is there.
func fill(n, steps int) {
	const objects = 10 << 10
	each := objects / steps
	for range each {
		if n < steps {
			kept = append(kept, make([]byte, 4<<10))
		} else {
			kept[rand.Intn(len(kept))] = make([]byte, 4<<10)
		}
	}
}

func live() {
	for range *ballast {
		base = append(base, make([]byte, 1<<20))
		for at := 0; at < 1<<20; at += 4 << 10 {
			base[len(base)-1][at] = 1
		}
	}
	// Ticks that are missed are made up for: the rate is the same on a busy machine.
	start := time.Now()
	for n := 0; ; n++ {
		step(n)
		time.Sleep(time.Until(start.Add(time.Duration(n+1) * 10 * time.Millisecond)))
	}
}

func residentMB(pid int) int {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for _, line := range bytes.Split(status, []byte("\n")) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			kb, _ := strconv.Atoi(string(bytes.Fields(rest)[0]))
			return kb >> 10
		}
	}
	return 0
}

func main() {
	flag.Parse()
	if *life {
		live()
	}
	// The log is the children's: no cycle of this process.
	debug.SetGCPercent(-1)
	out := json.NewEncoder(os.Stdout)
	for range *lives {
		child := exec.Command("/proc/self/exe", append(os.Args[1:], "-life")...)
		child.Stderr = os.Stderr
		start := time.Now()
		if err := child.Start(); err != nil {
			panic(err)
		}
		after := *killAfter
		if *jitter > 0 {
			after += time.Duration(rand.Int63n(int64(*jitter)))
		}
		rss := 0
		for {
			time.Sleep(20 * time.Millisecond)
			rss = residentMB(child.Process.Pid)
			if *killRSS > 0 && rss >= *killRSS || *killAfter > 0 && time.Since(start) >= after {
				break
			}
		}
		child.Process.Signal(syscall.SIGKILL)
		child.Wait()
		out.Encode(map[string]any{
			"go": runtime.Version(), "seconds": float64(time.Since(start).Milliseconds()) / 1000, "rss_mb": rss,
		})
	}
}
