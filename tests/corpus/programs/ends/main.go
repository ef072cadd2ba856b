// Command ends runs a small service for a moment and then ends in the way its argument says, or prints what it is asked
// for. Everything goes to standard error.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

type account struct {
	owner string
	limit *int
}

type ledger struct {
	mu       sync.RWMutex
	accounts map[string]*account
	index    map[int]string
}

var book = &ledger{accounts: map[string]*account{}}

func (l *ledger) credit(owner string, amount int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[owner]
	*a.limit += amount
}

func (l *ledger) reindex(n int) { l.index[n] = "row" }

func service(stop chan struct{}) {
	var keep [][]byte
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		keep = append(keep, make([]byte, 20_000))
		if len(keep) > 300 {
			keep = keep[150:]
		}
		if i%200 == 0 {
			log.Printf("batch %d done, %d rows kept", i, len(keep))
		}
		time.Sleep(500 * time.Microsecond)
	}
}

func main() {
	stop := make(chan struct{})
	go service(stop)
	time.Sleep(1500 * time.Millisecond)
	ends[os.Args[1]]()
}

var ends map[string]func()

func init() {
	ends = map[string]func(){
		"nil-pointer": func() { book.accounts["ada"] = &account{owner: "ada"}; book.credit("ada", 5) },
		"nil-map":     func() { book.reindex(7) },
		"worker":      func() { go func() { handle([]int{1, 2, 3}, 7) }(); select {} },
		"repanic": func() {
			defer func() {
				if r := recover(); r != nil {
					panic(fmt.Sprintf("rollback: %v", r))
				}
			}()
			handle(nil, 2)
		},
		"repanic-same": func() {
			defer func() {
				if r := recover(); r != nil {
					log.Printf("saving state after %v", r)
					panic(r)
				}
			}()
			panic(errors.New("checksum of block 12 does not match"))
		},
		"in-defer":  func() { defer cleanup(); handle(nil, 1) },
		"exit-code": func() { fmt.Fprintln(os.Stderr, "cannot reach the store: giving up"); os.Exit(4) },
		"map-race":  mapRace,
		"iter-race": iterRace,
		"overflow":  func() { fmt.Println(walk(&tree{})) },
		"mutual":    func() { fmt.Println(isEven(1)) },
		"memory":    hoard,
		"huge":      func() { b := make([]byte, 1<<46); fmt.Println(len(b)) },
		"unlock":    func() { var m sync.RWMutex; m.RUnlock() },
		"negative":  func() { var w sync.WaitGroup; w.Done() },
		"closed":    func() { c := make(chan int); close(c); close(c) },
		"send":      func() { c := make(chan int, 1); close(c); c <- 1 },
		"cast":      func() { var x interface{} = "five"; fmt.Println(x.(int)) },
		"divide":    func() { zero := len(os.Args) - 2; fmt.Println(1 / zero) },
		"fault":     func() { fmt.Println(*(*int)(unsafe.Pointer(uintptr(0xdead000)))) },
		"goexit":    func() { runtime.Goexit() },
		"quit":      func() { pile(); syscall.Kill(os.Getpid(), syscall.SIGQUIT); select {} },
		"abort":     func() { pile(); syscall.Kill(os.Getpid(), syscall.SIGABRT); select {} },
		"segv":      func() { syscall.Kill(os.Getpid(), syscall.SIGSEGV); select {} },
		"kill":      func() { syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} },
		"threads":   func() { debug.SetMaxThreads(60); pipes(200) },
		"dump1":     func() { pile(); pprof.Lookup("goroutine").WriteTo(os.Stderr, 1) },
		"dump2":     func() { pile(); pprof.Lookup("goroutine").WriteTo(os.Stderr, 2) },
		"dumps2":    func() { twice(2) },
		"dumps1":    func() { twice(1) },
		"heaps":     heaps,
		"contended": contended,
		"allocs":    func() { pprof.Lookup("allocs").WriteTo(os.Stderr, 1) },
		"fatal-log": func() { log.Fatalf("listen tcp :8080: bind: address already in use") },
		"nested":    func() { level(1) },
		"custom":    func() { panic(&account{owner: "ada"}) },
		"nilpanic":  func() { panic(nil) },
	}
}

func handle(rows []int, i int) int { return rows[i] }

func cleanup() { book.index[1] = "x" }

func level(n int) {
	defer func() {
		panic(fmt.Errorf("level %d: %v", n, recover()))
	}()
	if n < 4 {
		level(n + 1)
	}
	panic("innermost")
}

func mapRace() {
	seen := map[int]int{}
	for w := 0; w < 4; w++ {
		go func() { record(seen) }()
	}
	time.Sleep(20 * time.Second)
}

func record(seen map[int]int) {
	for i := 0; ; i++ {
		seen[i%100]++
	}
}

func iterRace() {
	seen := map[int]int{1: 1}
	go func() { record(seen) }()
	for {
		for k := range seen {
			runtime.KeepAlive(k)
		}
	}
}

type tree struct{ left *tree }

func walk(t *tree) int { return 1 + walk(&tree{left: t}) }

func isEven(n int) bool { return isOdd(n+1) != (n%7 == 0) }
func isOdd(n int) bool  { return isEven(n+1) != (n%5 == 0) }

func hoard() {
	var all [][]byte
	for {
		b := make([]byte, 8<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
		time.Sleep(30 * time.Millisecond)
	}
}

func pile() {
	var mu sync.Mutex
	mu.Lock()
	updates, results := make(chan int), make(chan string)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { c, _ := l.Accept(); io.Copy(io.Discard, c) }()
	for i := 0; i < 25; i++ {
		go func() { book.mu.RLock(); mu.Lock(); book.mu.RUnlock() }()
	}
	for i := 0; i < 130; i++ {
		go publish(updates)
	}
	for i := 0; i < 8; i++ {
		go func() { await(updates, results) }()
	}
	go func() {
		for {
			bytes.Repeat([]byte{1}, 100)
		}
	}()
	time.Sleep(200 * time.Millisecond)
	<-updates
}

func publish(c chan int) { c <- 1 }

func await(_ chan int, b chan string) {
	select {
	case <-b:
	case <-make(chan struct{}):
	}
}

func pipes(n int) {
	for i := 0; i < n; i++ {
		go func() {
			var p [2]int
			if err := syscall.Pipe(p[:]); err != nil {
				os.Exit(3)
			}
			syscall.Read(p[0], make([]byte, 1))
		}()
		time.Sleep(5 * time.Millisecond)
	}
	select {}
}

func twice(level int) {
	c := make(chan int)
	for i := 0; i < 40; i++ {
		go publish(c)
	}
	for round := 0; round < 3; round++ {
		time.Sleep(100 * time.Millisecond)
		pprof.Lookup("goroutine").WriteTo(os.Stderr, level)
		fmt.Fprintln(os.Stderr)
		for i := 0; i < 30; i++ {
			go await(nil, nil)
		}
	}
}

var cache = map[int][]byte{}

func fill(n int) {
	for i := 0; i < n; i++ {
		cache[len(cache)] = page()
	}
}

func page() []byte { return make([]byte, 40_000) }

func heaps() {
	runtime.MemProfileRate = 4096
	for i := 0; i < 3; i++ {
		fill(400)
		runtime.GC()
		pprof.Lookup("heap").WriteTo(os.Stderr, 1)
	}
}

func contended() {
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	var wg sync.WaitGroup
	for i := 0; i < 6; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := 0; k < 60; k++ {
				book.mu.Lock()
				time.Sleep(time.Millisecond)
				book.mu.Unlock()
			}
		}()
	}
	wg.Wait()
	pprof.Lookup("block").WriteTo(os.Stderr, 1)
	pprof.Lookup("mutex").WriteTo(os.Stderr, 1)
}
