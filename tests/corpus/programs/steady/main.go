// Command steady keeps a fixed live heap and allocates garbage at a fixed rate, whatever the collector does, so that runs
// under different settings of it can be compared.
package main

import (
	"flag"
	"time"
)

type node struct {
	next    *node
	payload [56]byte
}

var (
	live *node
	sink [][]byte
)

func main() {
	liveMiB := flag.Int("live", 50, "MiB that stay alive, in small objects with a pointer each")
	rateMiB := flag.Int("rate", 100, "MiB of garbage a second")
	size := flag.Int("size", 512, "bytes of an object of garbage")
	run := flag.Duration("run", 25*time.Second, "how long")
	flag.Parse()

	for i := 0; i < *liveMiB<<20/64; i++ {
		live = &node{next: live}
	}
	sink = make([][]byte, 64)
	const step = 5 * time.Millisecond
	start := time.Now()
	var done int64
	for time.Since(start) < *run {
		due := int64(time.Since(start).Seconds() * float64(*rateMiB) * (1 << 20))
		for ; done < due; done += int64(*size) {
			sink[done/int64(*size)%64] = make([]byte, *size)
		}
		time.Sleep(step)
	}
}
