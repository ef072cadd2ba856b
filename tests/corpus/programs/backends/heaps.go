package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math/rand"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

func lsm(leak bool) {
	var flushed [][]*row
	var index []string
	mem := []*row{}
	var held float64
	limit := *size / 4
	if leak {
		limit = *size / 8
	}
	for left() {
		mb := *size / *seconds * 0.25 * 2
		if leak {
			mb = *size / *seconds * 0.25
		}
		mem = append(mem, fill(mb)...)
		held += mb
		if held > limit {
			sort.Slice(mem, func(i, j int) bool { return mem[i].key < mem[j].key })
			for i := 0; i < len(mem); i += 64 {
				index = append(index, mem[i].key)
			}
			if len(index) > 20000 { // compaction
				index = append([]string(nil), index[len(index)/2:]...)
			}
			if leak {
				flushed = append(flushed, mem)
			}
			log.Printf("flushed memtable rows=%d tables=%d", len(mem), len(flushed))
			mem, held = nil, 0
		}
		nap(250)
	}
	runtime.KeepAlive(flushed)
}

func fanout(bounded bool) {
	type client struct {
		ch   chan []byte
		mu   sync.Mutex
		todo [][]byte
	}
	n := 100
	cs := make([]*client, n)
	for i := range cs {
		cs[i] = &client{ch: make(chan []byte, 256)}
		slow := i%10 == 0
		c := cs[i]
		go func() {
			for {
				if bounded {
					<-c.ch
				} else {
					c.mu.Lock()
					if len(c.todo) > 0 {
						c.todo[0] = nil
						c.todo = c.todo[1:]
					}
					c.mu.Unlock()
					nap(60)
				}
				if slow {
					nap(4000)
				}
			}
		}()
	}
	msg := *size * (1 << 20) / *seconds / 10 / 10 // 10 slow ones, 10 msg/s
	for left() {
		for _, c := range cs {
			m := make([]byte, int(msg))
			if bounded {
				select {
				case c.ch <- m:
				default:
				}
			} else {
				c.mu.Lock()
				c.todo = append(c.todo, m)
				c.mu.Unlock()
			}
		}
		nap(100)
	}
}

func drain() {
	var mu sync.Mutex
	var q []*row
	rate := func() int { return int(*size * (1 << 20) / 640 / *seconds / *at) }
	go func() {
		for {
			mu.Lock()
			if part() > *at {
				k := int(float64(rate()) * 0.05 * *at / (1 - *at) * 1.6)
				if k > len(q) {
					k = len(q)
				}
				for i := 0; i < k; i++ {
					q[i] = nil
				}
				q = q[k:]
			}
			mu.Unlock()
			nap(50)
		}
	}()
	for left() {
		if part() < *at {
			s := fill(*size / *seconds / *at * 0.1)
			mu.Lock()
			q = append(q, s...)
			mu.Unlock()
		}
		nap(100)
	}
}

func jsonBurst() {
	base := fill(*size)
	var doc bytes.Buffer
	doc.WriteString("[")
	for i := 0; i < 30000; i++ {
		if i > 0 {
			doc.WriteString(",")
		}
		fmt.Fprintf(&doc, `{"id":%d,"name":"item %d","tags":["a","b","c"],"price":%d.5}`, i, i, i%100)
	}
	doc.WriteString("]")
	for left() {
		nap(11000)
		t := time.Now()
		var v []map[string]any
		if err := json.Unmarshal(doc.Bytes(), &v); err != nil {
			log.Fatal(err)
		}
		log.Printf("decoded %d items took=%s", len(v), time.Since(t))
	}
	runtime.KeepAlive(base)
}

func imgPool() {
	pool := sync.Pool{New: func() any { b := make([]byte, 2<<20); return &b }}
	base := fill(*size)
	work := make(chan int)
	for i := 0; i < 6; i++ {
		go func() {
			for range work {
				b := pool.Get().(*[]byte)
				for j := 0; j < len(*b); j += 4096 {
					(*b)[j]++
				}
				nap(30)
				pool.Put(b)
			}
		}()
	}
	r := rand.New(rand.NewSource(*seed))
	for left() {
		k := 1
		if r.Intn(8) == 0 {
			k = 6
		}
		for i := 0; i < k; i++ {
			work <- i
		}
		nap(200)
	}
	runtime.KeepAlive(base)
}

func sliceHold() {
	var heads [][]byte
	for left() {
		for b := 0.0; b < perStep(200); b += 1.0 / 32 {
			page := make([]byte, 32<<10)
			heads = append(heads, page[:16])
		}
		nap(200)
	}
	runtime.KeepAlive(heads)
}

func mapDel(rolling bool) {
	m := map[int][2]int64{}
	n := int(*size * 1e6 / 60)
	if rolling {
		i := 0
		for left() {
			for k := 0; k < n/50; k++ {
				m[i] = [2]int64{int64(i), 1}
				if i >= n {
					delete(m, i-n)
				}
				i++
			}
			nap(200)
		}
		return
	}
	i := 0
	for left() {
		if part() < *at {
			for k := 0; k < int(float64(n) / *seconds / *at * 0.2); k++ {
				m[i] = [2]int64{int64(i), 1}
				i++
			}
		} else if len(m) > 0 {
			for k := 0; k < n/100; k++ {
				i--
				delete(m, i)
			}
		}
		nap(200)
	}
	log.Print(len(m))
}

func ctxTimeout() {
	for left() {
		for k := 0; k < int(*size*(1<<20)/700 / *seconds * 0.1); k++ {
			ctx, _ := context.WithTimeout(context.Background(), time.Hour)
			_ = context.WithValue(ctx, "k", k)
		}
		nap(100)
	}
}

func mmapGrow() {
	base := fill(12)
	for left() {
		b, err := syscall.Mmap(-1, 0, 2<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			log.Fatal(err)
		}
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		nap(int(*seconds * 1000 / (*size / 2)))
	}
	st, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(st), "\n") {
		if strings.HasPrefix(l, "RssAnon") || strings.HasPrefix(l, "VmHWM") {
			log.Print(l)
		}
	}
	runtime.KeepAlive(base)
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

func steady() {
	base := fill(*size)
	for left() {
		i := rand.Intn(len(base))
		base[i] = newRow(i)
		nap(20)
	}
	runtime.KeepAlive(base)
}

func freeOS() {
	base := fill(*size)
	for left() {
		nap(5000)
		tmp := fill(*size)
		runtime.KeepAlive(tmp)
		debug.FreeOSMemory()
	}
	runtime.KeepAlive(base)
}

func etl() {
	var hold []*row
	phases := []float64{0.3, 1, 0.6, 0.15}
	was := -1
	for left() {
		p := int(part() * float64(len(phases)))
		if p < len(phases) && p != was {
			was = p
			log.Printf("phase %d begins", p)
			hold = nil
			for i := 0; i < 10; i++ {
				hold = append(hold, fill(*size*phases[p]/10)...)
				nap(100)
			}
		}
		nap(200)
	}
	runtime.KeepAlive(hold)
}

func bufBurst() {
	var buf bytes.Buffer
	base := fill(8)
	done := false
	for left() {
		if part() > *at && !done {
			done = true
			buf.Write(make([]byte, int(*size*(1<<20))))
		}
		buf.Reset()
		buf.WriteString("small")
		nap(300)
	}
	runtime.KeepAlive(base)
	runtime.KeepAlive(&buf)
}

func wavyLeak() {
	var keep []*row
	period := *seconds / 6
	for left() {
		keep = append(keep, fill(*size / *seconds * 0.5)...)
		s := time.Since(start).Seconds()
		ph := s/period - float64(int(s/period))
		tmp := fill(*size * 0.4 * (1 - 2*abs(ph-0.5)))
		nap(500)
		runtime.KeepAlive(tmp)
	}
	runtime.KeepAlive(keep)
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}

// poolWarm is a connection pool that opens connections on demand until the busiest minute was seen.
func poolWarm() {
	var conns [][]byte
	r := rand.New(rand.NewSource(*seed))
	for left() {
		want := 0
		for i := 0; i < 40; i++ { // largest of forty exponential numbers, at most 64
			if w := int(r.ExpFloat64() * 10); w > want {
				want = w
			}
		}
		if want > 64 {
			want = 64
		}
		for len(conns) < want {
			conns = append(conns, make([]byte, int(*size*(1<<20)/64)))
		}
		nap(2000)
	}
}

// sessions expire after a fixed life; arrivals rise for the first part and then stay.
func sessions() {
	type s struct {
		until time.Time
		r     []*row
	}
	var live []s
	life := time.Duration(*seconds * 0.2 * float64(time.Second))
	for left() {
		level := part() / *at
		if level > 1 {
			level = 1
		}
		live = append(live, s{time.Now().Add(life), fill(*size / (*seconds * 0.2) * 0.25 * level)})
		for len(live) > 0 && time.Now().After(live[0].until) {
			live[0] = s{}
			live = live[1:]
		}
		nap(250)
	}
}

// metrics keeps a map for every value of a label, and there is always a new one.
func metrics() {
	m := map[string]map[string]float64{}
	i := 0
	for left() {
		for k := 0; k < int(*size*(1<<20)/420 / *seconds * 0.2); k++ {
			u := fmt.Sprintf("user-%d", i)
			i++
			m[u] = map[string]float64{"count": 1, "sum": float64(i)}
		}
		nap(200)
	}
}

// errs appends wrapped errors to one chain.
func errs() {
	var e error
	for left() {
		for k := 0; k < int(*size*(1<<20)/120 / *seconds * 0.2); k++ {
			e = &wrapped{e, [6]int64{}}
		}
		nap(200)
	}
	runtime.KeepAlive(e)
}

type wrapped struct {
	err error
	pad [6]int64
}

func (w *wrapped) Error() string { return "wrapped" }

// listeners are subscribed on every request, and all but one in twenty removed.
func listeners() {
	bus := map[int]func(){}
	i := 0
	for left() {
		for k := 0; k < 2000; k++ {
			r := newRow(i)
			bus[i] = func() { r.key += "x" }
			if i%20 != 0 {
				delete(bus, i)
			}
			i++
		}
		nap(int(18000 / *size))
	}
}

// window is a ring of chunks for the last seconds.
func window() {
	var chunks [][]*row
	n := int(*seconds * *at)
	for left() {
		chunks = append(chunks, fill(*size/float64(n)))
		if len(chunks) > n {
			chunks = append([][]*row(nil), chunks[1:]...)
		}
		nap(1000)
	}
}
