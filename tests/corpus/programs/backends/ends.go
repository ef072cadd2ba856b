package main

import (
	"fmt"
	"io"
	"log"
	"math/rand"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"
)

func bodies() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "9000000")
		w.Write(make([]byte, 20000))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	var keep []*http.Response
	for left() {
		resp, err := http.Get("http://" + ln.Addr().String())
		if err != nil {
			log.Print(err)
		} else {
			io.ReadFull(resp.Body, make([]byte, 10))
			keep = append(keep, resp) // never closed
		}
		nap(int(*seconds * 1000 / *size))
	}
	if *at > 0.9 {
		syscall.Kill(os.Getpid(), syscall.SIGQUIT)
		nap(2000)
	}
}

func condStuck() {
	var mu sync.Mutex
	c := sync.NewCond(&mu)
	for left() {
		go func() { mu.Lock(); c.Wait(); mu.Unlock() }()
		nap(int(*seconds * 1000 / *size))
	}
}

func semStuck() {
	sem := make(chan struct{}, 8)
	for left() {
		go func() { sem <- struct{}{}; nap(5); _ = sem }() // slot never given back
		nap(int(*seconds * 1000 / *size))
	}
}

func hot() {
	for i := 0; i < 20; i++ {
		go func() {
			x := 1
			for {
				for j := 0; j < 1e6; j++ {
					x = x*31 + j
				}
				runtime.Gosched()
			}
		}()
	}
	for left() {
		nap(1000)
	}
}

func timerStorm() {
	var fire func(i int)
	r := rand.New(rand.NewSource(*seed))
	var mu sync.Mutex
	fire = func(i int) {
		mu.Lock()
		d := time.Duration(500+r.Intn(4000)) * time.Millisecond
		mu.Unlock()
		time.AfterFunc(d, func() { fire(i) })
	}
	for i := 0; i < int(*size); i++ {
		fire(i)
	}
	for left() {
		nap(500)
	}
}

func serve() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	var counts map[string]int
	hits := map[string]int{}
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ok")) })
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) { record(counts, r.URL.Path) })
	mux.HandleFunc("/hit", func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < 20000; i++ {
			hits[fmt.Sprint(i%100)]++
		}
	})
	go http.Serve(ln, mux)
	get := func(p string) {
		resp, err := http.Get("http://" + ln.Addr().String() + p)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	i := 0
	for left() {
		i++
		t := time.Now()
		get("/ok")
		log.Printf("GET /ok 200 took=%s", time.Since(t))
		if *size == 1 && i%30 == 7 {
			get("/count")
		}
		if *size == 2 && part() > *at {
			for k := 0; k < 8; k++ {
				go get("/hit")
			}
		}
		nap(100)
	}
}

func record(m map[string]int, k string) { m[k]++ }

type node struct {
	name string
	kids []*node
}

func (n *node) String() string { return fmt.Sprintf("node %v", n) }

func deadlock() {
	jobs := make(chan int)
	results := make(chan int)
	var wg sync.WaitGroup
	for i := 0; i < 150; i++ {
		wg.Add(1)
		go func() { defer wg.Done(); worker(jobs, results) }()
	}
	for i := 0; i < 40; i++ {
		wg.Add(1)
		go func() { defer wg.Done(); var m sync.Mutex; m.Lock(); m.Lock() }()
	}
	for i := 0; i < 20; i++ {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
}

func worker(jobs <-chan int, results chan<- int) {
	for j := range jobs {
		results <- j * 2
	}
}

func profiles(kind string) {
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	var mu sync.Mutex
	for i := 0; i < 4; i++ {
		go func() {
			for {
				mu.Lock()
				nap(3)
				mu.Unlock()
				nap(1)
			}
		}()
	}
	idle := make(chan int)
	for i := 0; i < 60; i++ {
		go idleWorker(idle)
	}
	var cache []*row
	for k := 0; k < 2 || (kind == "goroutine" && k < 3); k++ {
		cache = fill(*size)
		nap(2500)
		runtime.GC()
		if kind == "goroutine" {
			for i := 0; i < 25; i++ {
				go stuckUpload(make(chan int))
			}
			nap(100)
		}
		fmt.Fprintf(os.Stderr, "--- %s profile %d\n", kind, k)
		pprof.Lookup(kind).WriteTo(os.Stderr, 1)
	}
	runtime.KeepAlive(cache)
}

func idleWorker(c chan int) { <-c }

func stuckUpload(c chan int) { c <- 1 }

func dumpsIdle() {
	c := make(chan int)
	for i := 0; i < int(*size); i++ {
		go idleWorker(c)
	}
	go func() {
		s := make(chan os.Signal, 1)
		signal.Notify(s, syscall.SIGUSR1)
		for range s {
			b := make([]byte, 1<<20)
			os.Stderr.Write(append([]byte("dump on request\n"), b[:runtime.Stack(b, true)]...))
		}
	}()
	for left() {
		nap(int(*seconds * 1000 / 3))
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		nap(50)
	}
	syscall.Kill(os.Getpid(), syscall.SIGQUIT)
	nap(2000)
}

func oom() {
	var hold []*row
	for {
		hold = append(hold, fill(4)...)
		nap(100)
	}
}

func multiPanic() {
	go func() {
		nap(300)
		panic(fmt.Errorf("load config: %w\ngoroutine 1 [running]: this is text of the error\ncaused by: %w", io.ErrUnexpectedEOF, os.ErrNotExist))
	}()
	for left() {
		nap(100)
	}
}
