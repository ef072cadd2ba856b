// Prints dumps and profiles of goroutines that stand in known places: see the scenarios below.
//
//	dumps SCENARIO
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"time"
)

func main() {
	scenarios := map[string]func(){
		"lock": lock, "nilchan": nilChan, "bodies": bodies, "idle": idle, "leak": leak, "grow": grow,
		"wait": wait, "heap": heap, "pool": pool, "deep": deep, "requests": requests,
	}
	run, ok := scenarios[os.Args[1]]
	if !ok {
		os.Exit(1)
	}
	run()
}

// dump prints all goroutines, as SIGQUIT and debug=2 do.
func dump() { pprof.Lookup("goroutine").WriteTo(os.Stdout, 2) }

// count prints the goroutine profile as text.
func count() { pprof.Lookup("goroutine").WriteTo(os.Stdout, 1); fmt.Println() }

func settle() { time.Sleep(300 * time.Millisecond) }

type store struct {
	mu    sync.Mutex
	items map[string]int
	conn  net.Conn
}

func (s *store) get(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[key]
}

// refresh reads from the network with the lock held.
func (s *store) refresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	io.ReadFull(s.conn, make([]byte, 4))
}

// 14 readers wait for a lock whose holder reads from the network.
func lock() {
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	conn, _ := net.Dial("tcp", l.Addr().String())
	s := &store{items: map[string]int{}, conn: conn}
	go s.refresh()
	settle()
	for i := 0; i < 14; i++ {
		go s.get("a")
	}
	settle()
	dump()
	count()
}

type feed struct{ updates chan int }

func (f *feed) next() int   { return <-f.updates }
func (f *feed) publish()    { f.updates <- 1 }
func (f *feed) waitForEnd() { select {} }

// Channels that were never made, and main in select {}.
func nilChan() {
	f := &feed{}
	for i := 0; i < 3; i++ {
		go f.next()
	}
	go f.publish()
	go f.waitForEnd()
	go func() { settle(); dump(); os.Exit(0) }()
	select {}
}

func serve(body string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, body)
		w.(http.Flusher).Flush()
		if r.URL.Path == "/stream" {
			<-r.Context().Done()
		}
	}))
}

// 120 requests whose bodies nobody reads or closes.
func bodies() {
	server := serve("hello")
	client := &http.Client{Transport: &http.Transport{}}
	for i := 0; i < 120; i++ {
		client.Get(server.URL + "/stream")
	}
	settle()
	if len(os.Args) > 2 {
		dump()
		return
	}
	count()
}

// 120 connections that are kept alive and idle: healthy.
func idle() {
	server := serve("hello")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 200}}
	var wg, all sync.WaitGroup
	all.Add(120)
	for i := 0; i < 120; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			resp, err := client.Get(server.URL + "/")
			all.Done()
			all.Wait()
			if err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}()
	}
	wg.Wait()
	settle()
	if len(os.Args) > 2 {
		dump()
		return
	}
	count()
}

func first(ctx context.Context, ask ...func() int) int {
	answers := make(chan int)
	for _, one := range ask {
		go func() { answers <- one() }()
	}
	return <-answers
}

// Asks three and takes the first answer: two senders are left each time.
func leak() {
	one := func() int { return 1 }
	for i := 0; i < 6; i++ {
		first(context.Background(), one, one, one)
	}
	for i := 0; i < 4; i++ {
		go func() {
			done := make(chan struct{})
			<-done
		}()
	}
	settle()
	name := "goroutineleak"
	if p := pprof.Lookup(name); p != nil {
		p.WriteTo(os.Stdout, 1)
		fmt.Println()
		p.WriteTo(os.Stdout, 2)
		return
	}
	dump()
}

// Three profiles and three dumps of a program that leaks one goroutine a job, beside a pool of workers.
func grow() {
	work := make(chan int)
	for i := 0; i < 16; i++ {
		go worker(work)
	}
	jobs := func() {
		for i := 0; i < 15; i++ {
			first(context.Background(), func() int { return 1 }, func() int { return 2 })
		}
		settle()
	}
	for i := 0; i < 3; i++ {
		jobs()
		if len(os.Args) > 2 {
			dump()
		} else {
			count()
		}
	}
}

func worker(work chan int) {
	for range work {
	}
}

// 12 minutes: 40 senders left behind one after another, 16 idle workers, a ticker.
func wait() {
	work := make(chan int)
	for i := 0; i < 16; i++ {
		go worker(work)
	}
	go func() {
		for range time.NewTicker(time.Second).C {
		}
	}()
	end := time.Now().Add(12*time.Minute + 20*time.Second)
	for i := 0; time.Now().Before(end); i++ {
		if i < 40 {
			first(context.Background(), func() int { return 1 }, func() int { return 2 })
		}
		runtime.GC()
		time.Sleep(2 * time.Second)
	}
	dump()
}

// A pool of 150 idle workers: large, and harmless.
func pool() {
	work := make(chan int)
	for i := 0; i < 150; i++ {
		go worker(work)
	}
	settle()
	count()
}

var kept [][]byte

type cache struct{ entries map[int][]byte }

func (c *cache) add(i int) { c.entries[i] = make([]byte, 100_000) }

// Four heap profiles: a cache that grows, a table that was large from the beginning.
func heap() {
	for i := 0; i < 400; i++ {
		kept = append(kept, table())
	}
	c := &cache{entries: map[int][]byte{}}
	for i := 0; i < 4; i++ {
		for j := 0; j < 120; j++ {
			c.add(i*120 + j)
		}
		runtime.GC()
		runtime.GC()
		debug.FreeOSMemory()
		pprof.Lookup("heap").WriteTo(os.Stdout, 1)
		fmt.Println()
		time.Sleep(time.Second)
	}
	runtime.KeepAlive(c)
}

func table() []byte { return make([]byte, 100_000) }

type node struct{ next *node }

func (n *node) walk(depth int) int {
	if depth == 0 {
		dump()
		return 0
	}
	return n.visit(depth - 1)
}

func (n *node) visit(depth int) int { return n.next.walk(depth) + 1 }

// A walk around a ring.
func deep() {
	n := &node{}
	n.next = n
	n.walk(300)
}

// 110 handlers that wait for one channel: requests at work, no idle connections.
func requests() {
	slow := make(chan int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-slow }))
	for i := 0; i < 110; i++ {
		go http.Get(server.URL)
	}
	time.Sleep(time.Second)
	count()
}
