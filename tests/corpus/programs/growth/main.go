// Command growth runs a small program whose live heap has a known shape and that leaves little garbage, so that its
// collections are few and far between. The runtime trace goes to standard error, one object with the truth to standard
// output.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"math/rand"
	"os"
	"runtime"
	"time"
)

var (
	shape   = flag.String("shape", "conns", "one of the shapes in main.go")
	seconds = flag.Float64("seconds", 100, "how long to run")
	mb      = flag.Float64("mb", 60, "what lives at the end, or at most, in MB")
	base    = flag.Float64("base", 0, "tables that are loaded at the start and stay, in MB")
	garbage = flag.Float64("garbage", 1, "garbage in MB/s")
	part    = flag.Float64("part", 0.5, "share of the run after which what is harmless has reached its level")
	seed    = flag.Int64("seed", 1, "seed of all random choices")
)

// state is what a shape keeps. step is called fifty times a second with the share of the run that is over.
type state struct {
	rand   *rand.Rand
	store  map[int][]byte
	n      int
	bytes  int
	left   int
	step   func(*state, float64)
	parent context.Context
}

// shapes: those before the gap leak, those after it do not.
var shapes = map[string]func(*state, float64){
	"conns":      func(s *state, x float64) { s.growTo(x, 8192) },
	"labels":     func(s *state, x float64) { s.growTo(x, 300) },
	"contexts":   contexts,
	"goroutines": goroutines,
	"bursts":     func(s *state, x float64) { s.growTo(float64(int(x*20))/20, 2000) },
	"late":       func(s *state, x float64) { s.growTo(0.15*x+0.85*max0((x-0.3)/0.7), 1500) },

	"fill":     func(s *state, x float64) { s.growTo(min1(x / *part), 1500); s.replace(x, 4) },
	"warm_up":  func(s *state, x float64) { s.growTo(min1(x / *part), 16384) },
	"two_load": func(s *state, x float64) { s.growTo(0.4*step(x, 0.1)+0.6*step(x, *part), 1500) },
	"hit_rate": hitRate,
	"up_down":  func(s *state, x float64) { s.growTo(1-abs(2*x-1), 1500) },
	"builds":   func(s *state, x float64) { s.growTo(4*x-float64(int(4*x)), 1500) },
	"steady":   func(s *state, x float64) { s.replace(x, 4) },
}

func min1(x float64) float64 { return min2(x, 1) }

func min2(a, b float64) float64 {
	if a < b {
		return a
	}
	return b
}

func max0(x float64) float64 { return -min2(-x, 0) }

func abs(x float64) float64 { return max0(x) + max0(-x) }

// step rises from 0 to 1 in the twentieth of the run before at.
func step(x, at float64) float64 { return min1(max0((x - at + 0.05) / 0.05)) }

// growTo adds or drops entries of about so many bytes until a share of -mb is held.
func (s *state) growTo(share float64, size int) {
	want := int(share * *mb * 1e6)
	for s.bytes < want {
		entry := make([]byte, size/2+s.rand.Intn(size))
		s.store[s.n] = entry
		s.bytes += len(entry)
		s.n++
	}
	if want < s.bytes-1e6 && share < 0.05 {
		s.store, s.bytes = map[int][]byte{}, 0
	}
	for key, entry := range s.store {
		if s.bytes <= want+1e6 {
			break
		}
		s.bytes -= len(entry)
		delete(s.store, key)
	}
}

// replace puts new entries in the place of some old ones.
func (s *state) replace(_ float64, n int) {
	for key, entry := range s.store {
		if n--; n < 0 {
			break
		}
		s.store[key] = make([]byte, len(entry))
	}
}

// hitRate keeps what is asked for: keys that were asked for before are found ever more often.
func hitRate(s *state, _ float64) {
	keys := int(*mb * 1e6 / 1500)
	asked := int(float64(keys) / (*part * *seconds * 50) * 3)
	for i := 0; i < asked; i++ {
		key := s.rand.Intn(keys)
		if s.store[key] == nil {
			s.store[key] = make([]byte, 750+s.rand.Intn(1500))
		}
	}
}

type ctxKey struct{}

// contexts are derived from one parent and never cancelled.
func contexts(s *state, x float64) {
	for want := int(x * *mb * 1e6); s.bytes < want; s.bytes += 1000 {
		ctx, cancel := context.WithCancel(context.WithValue(s.parent, ctxKey{}, make([]byte, 600)))
		_, _ = ctx, cancel
		s.left++
	}
}

// goroutines wait for an answer that never comes, each with its buffer.
func goroutines(s *state, x float64) {
	for want := int(x * *mb * 1e6); s.bytes < want; s.bytes += 3000 {
		buffer, answer := make([]byte, 2048), make(chan int)
		go func() { buffer[0] = byte(<-answer) }()
		s.left++
	}
}

var sink []byte

func main() {
	flag.Parse()
	run, ok := shapes[*shape]
	if !ok {
		os.Stderr.WriteString("growth: no shape " + *shape + "\n")
		os.Exit(2)
	}
	parent, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := &state{rand: rand.New(rand.NewSource(*seed)), store: map[int][]byte{}, parent: parent}
	tables := make([][]byte, int(*base*1e6/1500))
	for i := range tables {
		tables[i] = make([]byte, 1500)
	}
	if *shape == "steady" {
		s.growTo(1, 1500)
	}
	start, made := time.Now(), 0.0
	var samples [][3]float64
	for range time.Tick(20 * time.Millisecond) {
		elapsed := time.Since(start).Seconds()
		if elapsed >= *seconds {
			break
		}
		run(s, elapsed / *seconds)
		for ; made < elapsed**garbage*1e6; made += float64(len(sink)) {
			sink = make([]byte, 400+s.rand.Intn(2000))
		}
		if int(elapsed) > len(samples)*5 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			samples = append(samples, [3]float64{elapsed, float64(m.HeapAlloc >> 20), float64(m.NumGC)})
		}
	}
	runtime.KeepAlive(tables)
	truth := map[string]any{
		"held_bytes": s.bytes, "goroutines": runtime.NumGoroutine(), "contexts_or_goroutines_left": s.left, "samples": samples,
	}
	if err := json.NewEncoder(os.Stdout).Encode(truth); err != nil {
		os.Exit(1)
	}
}
