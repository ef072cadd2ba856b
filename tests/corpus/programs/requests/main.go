// Command requests is a small HTTP service that logs how long each of its requests took. Why some of them are slow is
// chosen, so that what a reader of the log finds can be compared with what happened.
//
//	GODEBUG=gctrace=1 requests -mode assists -format slog -seconds 60 2>log
//
// Everything goes to standard error, the stream that gctrace uses, unless -stdout is given. With -collect the program
// runs itself with both streams behind a collector that stamps every line, as a container runtime does.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/rand"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

var (
	mode    = flag.String("mode", "none", "why requests are slow: assists, sleeps, both, none")
	format  = flag.String("format", "slog", "how they are logged: slog (JSON), text (logfmt), access (like chi)")
	seconds = flag.Float64("seconds", 60, "how long to run")
	rate    = flag.Float64("rate", 100, "requests a second")
	seed    = flag.Int64("seed", 1, "seed of arrivals and sleeps")
	stdout  = flag.Bool("stdout", false, "log to standard output")
	collect = flag.Bool("collect", false, "run behind a collector that writes both streams as CRI lines")
)

// node makes a heap that takes time to mark: every object has pointers.
type node struct {
	left, right *node
	weight      [4]int64
}

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{left: tree(depth - 1), right: tree(depth - 1)}
}

// shape is what makes requests slow in a mode.
type shape struct {
	liveDepth    int     // the live heap is a tree of 2^depth nodes of 48 bytes
	requestBytes int     // what a request allocates: during mark it pays for that with assists
	sleepShare   float64 // requests that wait for something else
	garbagePerS  int     // what the rest of the program allocates, bytes a second
}

var shapes = map[string]shape{
	"assists": {liveDepth: 20, requestBytes: 1 << 20, garbagePerS: 60 << 20},
	"sleeps":  {liveDepth: 20, requestBytes: 4 << 10, sleepShare: 0.06, garbagePerS: 160 << 20},
	"both":    {liveDepth: 20, requestBytes: 1 << 20, sleepShare: 0.01, garbagePerS: 60 << 20},
	"none":    {liveDepth: 12, requestBytes: 4 << 10, garbagePerS: 8 << 20},
}

var (
	live *node
	sink atomic.Pointer[[]byte]
)

func main() {
	flag.Parse()
	if *collect {
		os.Exit(behindCollector())
	}
	s, ok := shapes[*mode]
	if !ok {
		log.Fatalf("unknown mode %q", *mode)
	}
	live = tree(s.liveDepth)
	done := logger()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	var truth struct {
		requests, slept atomic.Int64
	}
	draws := make(chan bool, 1<<16)
	random := rand.New(rand.NewSource(*seed))
	for range cap(draws) {
		draws <- random.Float64() < s.sleepShare
	}
	sleeps := make(chan time.Duration, 1<<12)
	for range cap(sleeps) {
		sleeps <- time.Duration(60+60*random.Float64()) * time.Millisecond
	}
	http.HandleFunc("/items", func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		// Small pieces, as a real handler allocates: each of them can be made to assist.
		for left := s.requestBytes; left > 0; left -= 4 << 10 {
			piece := make([]byte, 4<<10)
			piece[0] = 1
			sink.Store(&piece)
		}
		if <-draws {
			truth.slept.Add(1)
			time.Sleep(<-sleeps)
		}
		io.WriteString(w, "ok\n")
		truth.requests.Add(1)
		done(r, time.Since(start))
	})
	go http.Serve(listener, nil)
	end := time.Now().Add(time.Duration(*seconds * float64(time.Second)))
	go garbage(s.garbagePerS)
	clients(listener.Addr().String(), random, end)
	fmt.Fprintf(os.Stderr, "truth: mode %s, go %s, %d CPUs, %d requests, %d of them slept, assists %.2f CPU s of %.2f CPU s of GC\n",
		*mode, runtime.Version(), runtime.NumCPU(), truth.requests.Load(), truth.slept.Load(),
		metric("/cpu/classes/gc/mark/assist:cpu-seconds"), metric("/cpu/classes/gc/total:cpu-seconds"))
	runtime.KeepAlive(live)
}

func metric(name string) float64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64 {
		return 0
	}
	return sample[0].Value.Float64()
}

// logger gives what is called at the end of a request.
func logger() func(*http.Request, time.Duration) {
	out := os.Stderr
	if *stdout {
		out = os.Stdout
	}
	switch *format {
	case "slog":
		l := slog.New(slog.NewJSONHandler(out, nil))
		return func(r *http.Request, took time.Duration) {
			l.Info("request", "path", r.URL.Path, "took", took)
		}
	case "text":
		l := slog.New(slog.NewTextHandler(out, nil))
		return func(r *http.Request, took time.Duration) {
			l.Info("request", "path", r.URL.Path, "took", took)
		}
	case "access":
		l := log.New(out, "", log.LstdFlags|log.Lmicroseconds)
		return func(r *http.Request, took time.Duration) {
			l.Printf("%q from %s - 200 3B in %s", r.Method+" http://"+r.Host+r.URL.Path+" "+r.Proto, r.RemoteAddr, took)
		}
	}
	log.Fatalf("unknown format %q", *format)
	return nil
}

// garbage allocates at a steady pace, as the rest of a program does.
func garbage(perS int) {
	const tick = 2 * time.Millisecond
	for range time.Tick(tick) {
		for left := perS / int(time.Second/tick); left > 0; left -= 1 << 10 {
			piece := make([]byte, 1<<10)
			sink.Store(&piece)
		}
	}
}

// clients sends requests at random times, whether earlier ones have been answered or not.
func clients(address string, random *rand.Rand, end time.Time) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	var sent sync.WaitGroup
	for next := time.Now(); next.Before(end); {
		next = next.Add(time.Duration(random.ExpFloat64() / *rate * float64(time.Second)))
		time.Sleep(time.Until(next))
		sent.Add(1)
		go func() {
			defer sent.Done()
			answer, err := client.Get("http://" + address + "/items")
			if err == nil {
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
		}()
	}
	sent.Wait()
}

// behindCollector runs the program with the other arguments and writes what it prints as CRI does.
func behindCollector() int {
	var args []string
	for _, arg := range os.Args[1:] {
		if arg != "-collect" {
			args = append(args, arg)
		}
	}
	child := exec.Command(os.Args[0], args...)
	streams := map[string]io.Reader{}
	var err error
	if streams["stdout"], err = child.StdoutPipe(); err != nil {
		log.Fatal(err)
	}
	if streams["stderr"], err = child.StderrPipe(); err != nil {
		log.Fatal(err)
	}
	if err := child.Start(); err != nil {
		log.Fatal(err)
	}
	var write sync.Mutex
	var read sync.WaitGroup
	for name, stream := range streams {
		read.Add(1)
		go func() {
			defer read.Done()
			lines := bufio.NewScanner(stream)
			for lines.Scan() {
				at := time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z")
				write.Lock()
				fmt.Printf("%s %s F %s\n", at, name, lines.Text())
				write.Unlock()
			}
		}()
	}
	read.Wait()
	if child.Wait() != nil {
		return 1
	}
	return 0
}
