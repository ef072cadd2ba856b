// Command services is a kit of small services of which it is known what they keep, and for how long. They were written to
// try verdicts on logs that no rule was made with. The runtime trace goes to standard error, the truth to standard output.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"os"
	"runtime"
	"sort"
	"time"
)

var (
	asked   = flag.String("mode", "", "what to be; without one the modes are listed")
	seconds = flag.Float64("seconds", 100, "how long to run")
	size    = flag.Float64("size", 40, "what lives at the end, or at most, in MB, or how many goroutines in thousands")
	base    = flag.Float64("base", 0, "what lives from the start, in MB")
	churn   = flag.Float64("churn", 4, "garbage, MB a second")
	at      = flag.Float64("at", 0.4, "share of the run at which a mode changes")
	period  = flag.Float64("period", 12, "length of what repeats, in seconds")
	seed    = flag.Int64("seed", 1, "of all random choices")
	talk    = flag.Bool("talk", false, "write an application log to standard error too")
)

// service is what a mode works with: step is called a hundred times a second.
type service struct {
	rand    *rand.Rand
	x, t    float64 // share of the run that is over; seconds
	held    float64 // bytes
	tick    int
	garbage float64 // bytes a second
	step    func()
}

// mode is one way to be.
type mode struct {
	what  string
	start func(s *service)
}

var (
	modes  = map[string]mode{}
	sink   []byte
	anchor []interface{}
)

func main() {
	flag.Parse()
	m, ok := modes[*asked]
	if !ok {
		var names []string
		for name, m := range modes {
			names = append(names, fmt.Sprintf("%-14s %s", name, m.what))
		}
		sort.Strings(names)
		for _, line := range names {
			fmt.Println(line)
		}
		os.Exit(2)
	}
	s := &service{rand: rand.New(rand.NewSource(*seed)), garbage: *churn * 1e6, step: func() {}}
	tables := make([]*record, 0)
	for n := 0.0; n < *base*1e6; n += 1100 {
		tables = append(tables, newRecord(1024))
	}
	m.start(s)
	begin, made := time.Now(), 0.0
	var samples [][4]float64
	logger := log.New(os.Stderr, "", log.LstdFlags|log.Lmicroseconds)
	for range time.Tick(10 * time.Millisecond) {
		s.t = time.Since(begin).Seconds()
		s.x = s.t / *seconds
		if s.x >= 1 {
			break
		}
		s.step()
		s.tick++
		for made += s.garbage / 100; made > 0; made -= float64(len(sink)) {
			sink = make([]byte, 100+s.rand.Intn(4000))
		}
		if *talk && s.tick%70 == 0 {
			logger.Printf("level=info msg=\"handled\" requests=%d heap goal 12 MB p99=%dms gc=%d", s.rand.Intn(400), s.rand.Intn(90), s.tick)
		}
		if int(s.t) > len(samples)*5 {
			var ms runtime.MemStats
			runtime.ReadMemStats(&ms)
			samples = append(samples, [4]float64{float64(int(s.t*10)) / 10, float64(ms.HeapAlloc >> 20), float64(ms.NumGC), float64(runtime.NumGoroutine())})
		}
	}
	runtime.KeepAlive(tables)
	truth := map[string]interface{}{"mode": *asked, "held_mb": int(s.held / 1e6), "goroutines": runtime.NumGoroutine(), "samples": samples}
	json.NewEncoder(os.Stdout).Encode(truth)
	runtime.KeepAlive(anchor)
}

// record is data with pointers.
type record struct {
	next *record
	key  string
	body []byte
}

func newRecord(n int) *record { return &record{key: "k", body: make([]byte, n)} }
