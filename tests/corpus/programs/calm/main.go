// Command calm is a service in which nothing happens: the same load all the time, an index that stays as it is, and
// buffers that live as long as a request. What a reader of its log reports as a problem is none of the program's.
//
//	GODEBUG=gctrace=1,schedtrace=1000 calm -live 12 -rate 200 -seconds 300 2>log
package main

import (
	"flag"
	"log/slog"
	"math/rand"
	"os"
	"sync"
	"time"
)

var (
	live    = flag.Int("live", 12, "size of the index in MB")
	rate    = flag.Float64("rate", 200, "requests a second")
	seconds = flag.Float64("seconds", 300, "how long to run")
	seed    = flag.Int64("seed", 1, "seed of arrivals and sizes")
	logging = flag.Int("log", 0, "log one request in so many to standard error; none when 0")
)

// entry has a pointer, so that there is something to mark.
type entry struct {
	name string
	data []byte
	next *entry
}

func index(megabytes int) []*entry {
	list := make([]*entry, megabytes*1024)
	for i := range list {
		list[i] = &entry{name: "entry", data: make([]byte, 920)}
		list[i].next = list[i/2]
	}
	return list
}

// serve looks some entries up and copies them into an answer.
func serve(list []*entry, random *rand.Rand) int {
	n := 0
	for i := 0; i < 100+random.Intn(200); i++ {
		found := list[random.Intn(len(list))]
		answer := append([]byte(nil), found.data...)
		n += len(answer) + len(found.next.name)
	}
	return n
}

func main() {
	flag.Parse()
	list := index(*live)
	requests := make(chan int64)
	var workers sync.WaitGroup
	for i := 0; i < 4; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for seed := range requests {
				start := time.Now()
				n := serve(list, rand.New(rand.NewSource(seed)))
				if *logging > 0 && seed%int64(*logging) == 0 {
					slog.Info("served", "bytes", n, "took", time.Since(start))
				}
			}
		}()
	}
	random := rand.New(rand.NewSource(*seed))
	end := time.Now().Add(time.Duration(*seconds * float64(time.Second)))
	for time.Now().Before(end) {
		requests <- random.Int63()
		time.Sleep(time.Duration(random.ExpFloat64() / *rate * float64(time.Second)))
	}
	close(requests)
	workers.Wait()
	os.Exit(0)
}
