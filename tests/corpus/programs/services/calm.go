package main

import (
	"bytes"
	"container/list"
	"encoding/json"
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

func init() {
	modes["lru"] = mode{"cache with a bound, asked for keys of a long tail", lru}
	modes["ttl"] = mode{"sessions that end after a share -at of the run", ttl}
	modes["reports"] = mode{"a report each -period, each larger than the last until -at", reports}
	modes["conns"] = mode{"connections are opened until -at, each with buffers", conns}
	modes["ring"] = mode{"the last lines of a log are kept", ring}
	modes["tuned"] = mode{"GOGC 50, from -at on 400, then 100", tuned}
	modes["raised"] = mode{"the memory limit is raised at -at", raised}
	modes["pooled"] = mode{"bursts each -period with pooled buffers", pooled}
	modes["lazy"] = mode{"tables are loaded when they are first needed, three times", lazy}
	modes["wave"] = mode{"a map grows and shrinks each -period", wave}
	modes["day"] = mode{"one day of load: up, and down again", day}
	modes["warm"] = mode{"warms up ever more slowly, done at -at", warm}
	modes["final"] = mode{"objects with finalizers, none kept", final}
	modes["crowd"] = mode{"thousands of goroutines each -period, all come back", crowd}
	modes["workers"] = mode{"goroutines are started until -at, then stay", workers}
	modes["deadlines"] = mode{"timers that are set anew all the time", deadlines}
	modes["compact"] = mode{"a head is written to and given back each -period, tables are merged", compact}
	modes["steady"] = mode{"a service at rest", func(s *service) { encode(s) }}
	modes["traffic"] = mode{"load rises until -at: what lives and what is made rise together", traffic}
	modes["idle"] = mode{"next to nothing", func(s *service) { s.garbage = 2000 }}
	modes["flush"] = mode{"a cache that is dropped as a whole each -period", flush}
	modes["freed"] = mode{"grows until -at, then lets all go", freed}
	modes["interned"] = mode{"labels of a bounded set, ever fewer of them new", interned}
}

func lru(s *service) {
	order, entries := list.New(), map[uint64]*list.Element{}
	type entry struct {
		key  uint64
		data []byte
	}
	limit := *size * 1e6
	keys := uint64(limit / 2000 * 1.6)
	perTick := int(limit / 2000 / (*at * *seconds * 100) * 1.2)
	s.step = func() {
		for i := 0; i <= perTick; i++ {
			key := uint64(float64(keys) * math.Pow(s.rand.Float64(), 1.3))
			if e := entries[key]; e != nil {
				order.MoveToFront(e)
				continue
			}
			data := make([]byte, 1000+s.rand.Intn(1800))
			entries[key] = order.PushFront(entry{key, data})
			for s.held += float64(len(data)); s.held > limit; {
				old := order.Remove(order.Back()).(entry)
				delete(entries, old.key)
				s.held -= float64(len(old.data))
			}
		}
	}
}

func ttl(s *service) {
	type session struct {
		ends float64
		data *record
	}
	var queue []session
	live := map[int]*record{}
	n, first := 0, 0
	made := 0.0
	perTick := *size * 1e6 / (*at * *seconds * 100)
	s.step = func() {
		for made += perTick * (0.5 + s.rand.Float64()); made > 0; made -= 1500 {
			r := newRecord(1400)
			live[n] = r
			queue = append(queue, session{s.t + *at**seconds, r})
			n++
			s.held += 1500
		}
		for len(queue) > 0 && queue[0].ends < s.t {
			delete(live, first)
			first++
			queue[0].data = nil
			queue = queue[1:]
			s.held -= 1500
		}
	}
}

func reports(s *service) {
	var rows []*record
	last := -1
	s.step = func() {
		n := int(s.t / *period)
		phase := s.t / *period - float64(n)
		most := *size * 1e6 * math.Min(1, (float64(n)+1)**period/(*at**seconds))
		if n != last {
			rows, last = nil, n
		}
		if phase < 0.7 {
			for float64(len(rows)) < most/900*phase/0.7 {
				rows = append(rows, newRecord(800))
			}
		} else {
			rows = nil
		}
		s.held = float64(len(rows)) * 900
	}
}

func conns(s *service) {
	var open [][]byte
	s.step = func() {
		for want := *size * 1e6 * math.Min(1, s.x / *at); s.held+32768 <= want; s.held += 32768 {
			open = append(open, make([]byte, 32768))
		}
		if len(open) > 0 {
			c := open[s.rand.Intn(len(open))]
			c[s.rand.Intn(len(c))]++
		}
	}
}

func ring(s *service) {
	lines := make([]string, int(*size*1e6/220))
	n := 0
	perTick := int(float64(len(lines)) / (*at * *seconds * 100))
	s.step = func() {
		for i := 0; i <= perTick; i++ {
			lines[n%len(lines)] = string(bytes.Repeat([]byte{'x'}, 150+s.rand.Intn(100)))
			n++
		}
		s.held = math.Min(float64(n), float64(len(lines))) * 220
	}
}

func tuned(s *service) {
	encode(s)
	debug.SetGCPercent(50)
	inner, state := s.step, 0
	s.step = func() {
		inner()
		if state == 0 && s.x > *at {
			debug.SetGCPercent(400)
			state = 1
		} else if state == 1 && s.x > (1+*at)/2 {
			debug.SetGCPercent(100)
			state = 2
		}
	}
}

func pooled(s *service) {
	pool := sync.Pool{New: func() interface{} { return make([]byte, 0, 64<<10) }}
	next := 3.0
	s.step = func() {
		if s.t < next {
			return
		}
		next += *period
		n := int(*size * 1e6 / 65536)
		var wg sync.WaitGroup
		for i := 0; i < n; i++ {
			wg.Add(1)
			go func() {
				buf := pool.Get().([]byte)
				time.Sleep(400 * time.Millisecond)
				pool.Put(buf[:0])
				wg.Done()
			}()
		}
		go wg.Wait()
	}
}

func lazy(s *service) {
	marks := []float64{0.1, 0.25, 0.45}
	var tables [][]*record
	s.step = func() {
		if len(tables) < len(marks) && s.x > marks[len(tables)] {
			var t []*record
			for n := 0.0; n < *size*1e6/3; n += 600 {
				t = append(t, newRecord(512))
			}
			tables = append(tables, t)
			s.held += *size * 1e6 / 3
		}
	}
}

func wave(s *service) {
	m := map[int][]byte{}
	n, first := 0, 0
	s.step = func() {
		want := *size * 1e6 / 1200 * (1 - math.Cos(2*math.Pi*s.t / *period)) / 2
		for ; float64(len(m)) < want; n++ {
			m[n] = make([]byte, 700+s.rand.Intn(1000))
		}
		for ; float64(len(m)) > want+1; first++ {
			delete(m, first)
		}
		s.held = float64(len(m)) * 1200
	}
}

func day(s *service) {
	var open []*record
	most, garbage := *size*1e6, s.garbage
	s.step = func() {
		load := math.Sin(math.Pi * s.x)
		s.garbage = garbage * (0.15 + load)
		want := int(most * (0.1 + 0.9*load) / 1500)
		for len(open) < want {
			open = append(open, newRecord(1400))
		}
		for i := want; i < len(open); i++ {
			open[i] = nil
		}
		open = open[:want]
		s.held = float64(want) * 1500
	}
}

func warm(s *service) {
	var rows []*record
	s.step = func() {
		y := math.Min(1, s.x / *at)
		want := *size * 1e6 * (1 - (1-y)*(1-y))
		for ; s.held < want; s.held += 2200 {
			rows = append(rows, newRecord(2100))
		}
	}
}

func final(s *service) {
	s.step = func() {
		for i := 0; i < 3; i++ {
			r := newRecord(2000)
			runtime.SetFinalizer(r, func(r *record) { r.body = nil })
		}
	}
}

func crowd(s *service) {
	next := 2.0
	s.step = func() {
		if s.t < next {
			return
		}
		next += *period * (0.7 + 0.6*s.rand.Float64())
		for i := 0; i < int(*size*1000); i++ {
			nap := time.Duration(200+s.rand.Intn(1500)) * time.Millisecond
			go func() {
				b := make([]byte, 1500)
				time.Sleep(nap)
				b[0] = 1
			}()
		}
	}
}

func workers(s *service) {
	jobs := make(chan []byte)
	started := 0
	s.step = func() {
		for want := int(*size * 1000 * math.Min(1, s.x / *at)); started < want; started++ {
			go func() {
				buf := make([]byte, 2048)
				for j := range jobs {
					copy(buf, j)
				}
			}()
		}
		for i := 0; i < 5 && started > 0; i++ {
			jobs <- make([]byte, 700)
		}
	}
}

func deadlines(s *service) {
	timers := make([]*time.Timer, int(*size*1000))
	s.step = func() {
		for i := 0; i < 200; i++ {
			k := s.rand.Intn(len(timers))
			if timers[k] == nil {
				timers[k] = time.AfterFunc(time.Hour, func() {})
			} else {
				timers[k].Reset(time.Hour)
			}
		}
	}
}

func compact(s *service) {
	var head []*record
	var tables [][]byte
	perTick := *size * 1e6 * 0.6 / (*period * 100)
	made, next := 0.0, *period
	s.step = func() {
		for made += perTick; made > 0; made -= 700 {
			head = append(head, newRecord(620))
		}
		if s.t > next {
			next += *period
			tables = append(tables, make([]byte, int(*size*1e6*0.05)))
			head = nil
			if len(tables) == 4 {
				tables = [][]byte{make([]byte, int(*size*1e6*0.08))}
			}
		}
	}
}

// encode makes the garbage of a service that answers in JSON from a table.
func encode(s *service) {
	table := make([]map[string]interface{}, int(*size*1e6/1600))
	for i := range table {
		table[i] = map[string]interface{}{"id": i, "name": string(bytes.Repeat([]byte{'n'}, 600)), "tags": []string{"a", "b"}}
	}
	s.held = *size * 1e6
	s.step = func() {
		for i := 0; i < 3; i++ {
			out, err := json.Marshal(table[s.rand.Intn(len(table))])
			if err == nil {
				sink = out
			}
		}
	}
}

func traffic(s *service) {
	var open []*record
	garbage := s.garbage
	s.step = func() {
		load := 0.2 + 0.8*math.Min(1, s.x / *at)
		s.garbage = garbage * load
		want := int(*size * 1e6 * load / 1500)
		for len(open) < want {
			open = append(open, newRecord(1400))
		}
		for i := 0; i < 20; i++ {
			open[s.rand.Intn(len(open))] = newRecord(1400)
		}
		s.held = float64(want) * 1500
	}
}

func flush(s *service) {
	cache := map[int][]byte{}
	next := *period
	s.step = func() {
		for i := 0.0; i < *size*1e6/(*period*100); i += 1300 {
			cache[s.rand.Int()] = make([]byte, 1200)
		}
		if s.t > next {
			cache, next = map[int][]byte{}, next+*period
		}
	}
}

func freed(s *service) {
	var rows []*record
	s.step = func() {
		if s.x > *at {
			rows = nil
			return
		}
		for want := *size * 1e6 * s.x / *at; s.held < want; s.held += 1300 {
			rows = append(rows, newRecord(1200))
		}
	}
}

func interned(s *service) {
	labels := map[int]string{}
	all := int(*size * 1e6 / 260)
	perTick := int(float64(all) * 5 / (*at * *seconds * 100))
	s.step = func() {
		for i := 0; i <= perTick; i++ {
			k := s.rand.Intn(all)
			if labels[k] == "" {
				labels[k] = string(bytes.Repeat([]byte{'l'}, 200))
			}
		}
		s.held = float64(len(labels)) * 260
	}
}
