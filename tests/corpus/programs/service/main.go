// Service plays a server: it keeps a live heap of a given size and answers requests that allocate at a given rate.
//
//	service -live 6 -rate 200 -for 120s              a steady service, many small collections
//	service -live 60 -rate 0 -workers 4 -for 25s     allocates as fast as it can
package main

import (
	"flag"
	"math/rand"
	"os"
	"time"
)

type node struct {
	next [4]*node
	pad  [64]byte
}

func tree(mb int) []*node {
	nodes := make([]*node, mb<<20/96)
	ring := make([]*node, 1024)
	for i := range ring {
		ring[i] = &node{}
	}
	for i := range nodes {
		nodes[i] = &node{}
		for j := range nodes[i].next {
			nodes[i].next[j] = ring[rand.Intn(len(ring))]
		}
	}
	return nodes
}

func main() {
	live := flag.Int("live", 24, "live heap, MB")
	rate := flag.Int("rate", 100, "allocation, MB/s; 0: as much as possible")
	workers := flag.Int("workers", 2, "goroutines")
	span := flag.Duration("for", time.Minute, "duration")
	flag.Parse()
	kept := tree(*live)
	end := time.Now().Add(*span)
	done := make(chan bool)
	for w := 0; w < *workers; w++ {
		go func(r *rand.Rand) {
			var request []*node
			for n := 0; time.Now().Before(end); n++ {
				request = request[:0]
				// A request: 64 KB of small objects that point into the live heap.
				for i := 0; i < 680; i++ {
					o := &node{}
					o.next[0] = kept[r.Intn(len(kept))]
					request = append(request, o)
				}
				// What is kept points nowhere: else all that was ever kept would hang together.
				kept[r.Intn(len(kept))] = &node{}
				if *rate > 0 {
					time.Sleep(time.Duration(float64(*workers) * 65e-3 / float64(*rate) * 1e9))
				}
			}
			done <- true
		}(rand.New(rand.NewSource(int64(w))))
	}
	for w := 0; w < *workers; w++ {
		<-done
	}
	os.Exit(0)
}
