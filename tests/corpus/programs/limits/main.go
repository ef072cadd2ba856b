// Command limits shows what settings of the garbage collector do to its trace.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

var (
	seconds    = flag.Float64("seconds", 10, "how long")
	liveMB     = flag.Int("live", 40, "live heap, MB")
	swingMB    = flag.Int("swing", 0, "how far the live heap moves above that, MB, up and down")
	allocMB    = flag.Int("alloc", 150, "garbage a second, MB")
	goroutines = flag.Int("goroutines", 0, "goroutines that hold a deep stack and wait")
	later      = flag.Int("later", 0, "GOGC from half-time on; 0 leaves it")
	freeMS     = flag.Int("free", 0, "debug.FreeOSMemory every so many ms; 0 never")
	buffersMB  = flag.Int("buffers", 0, "one buffer of so many MB at a time; 0 none")
	bufferMS   = flag.Int("bufferms", 200, "how often such a buffer is made, ms")
	burst      = flag.Int("burst", 1, "how many times the garbage between 60 and 70 percent of the time")
)

type block struct {
	next *block
	pay  [1000]byte
}

var (
	base []*block
	wave []*block
	buf  []byte
	junk *block
)

func deep(n int, wait chan bool) byte {
	var pad [512]byte
	pad[n%512] = byte(n)
	if n == 0 {
		<-wait
		return pad[0]
	}
	return deep(n-1, wait) + pad[n%512]
}

func main() {
	flag.Parse()
	start := time.Now()
	wait := make(chan bool)
	for i := 0; i < *goroutines; i++ {
		go deep(10, wait)
	}
	elapsed := func() float64 { return time.Since(start).Seconds() / *seconds }
	for i := 0; i < *liveMB*1024; i++ {
		base = append(base, &block{})
	}
	if *freeMS > 0 {
		go func() {
			for range time.Tick(time.Duration(*freeMS) * time.Millisecond) {
				debug.FreeOSMemory()
			}
		}()
	}
	if *buffersMB > 0 {
		go func() {
			for range time.Tick(time.Duration(*bufferMS) * time.Millisecond) {
				buf = make([]byte, *buffersMB<<20)
			}
		}()
	}
	changed := false
	ticks := time.NewTicker(10 * time.Millisecond)
	for elapsed() < 1 {
		<-ticks.C
		share := elapsed()
		n := *allocMB * 10
		if share > 0.6 && share < 0.7 {
			n *= *burst
		}
		for i := 0; i < n; i++ {
			junk = &block{}
		}
		// Four times up and down.
		phase := share * 4
		phase -= float64(int(phase))
		if phase > 0.5 {
			phase = 1 - phase
		}
		want := int(2 * phase * float64(*swingMB) * 1024)
		for len(wave) < want {
			wave = append(wave, &block{})
		}
		for len(wave) > want {
			wave[len(wave)-1] = nil
			wave = wave[:len(wave)-1]
		}
		if !changed && *later > 0 && share > 0.5 {
			changed = true
			debug.SetGCPercent(*later)
		}
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Fprintln(os.Stdout, "non-heap MiB", float64(stats.Sys-stats.HeapIdle-stats.HeapAlloc)/(1<<20))
}
