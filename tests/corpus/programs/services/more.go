package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"time"
)

func init() {
	modes["rest"] = mode{"a crowd each -period, of which a tenth never comes back", rest}
	modes["finalizer"] = mode{"a finalizer that blocks: nothing behind it is ever freed", blockedFinalizer}
	modes["web-ok"] = mode{"a web service with a session store that ends sessions", func(s *service) { web(s, true) }}
	modes["web-leak"] = mode{"the same; sessions are never ended", func(s *service) { web(s, false) }}
	modes["retry"] = mode{"an outage from -at on fills a retry queue, which is worked off within -period", retry}
	modes["shards"] = mode{"a map that grows to -size until -at and is written over then", shards}
	modes["week"] = mode{"waves of -period upon a level that rises until -at", week}
	modes["drift"] = mode{"a level that wanders about", drift}
}

func rest(s *service) {
	next := 2.0
	s.step = func() {
		if s.t < next {
			return
		}
		next += *period
		n := int(*size * 1000 * *period / *seconds)
		for i := 0; i < 10*n; i++ {
			stay := i%10 == 0
			go func() {
				b := make([]byte, 300)
				if stay {
					<-make(chan int)
				}
				time.Sleep(time.Second)
				b[0] = 1
			}()
		}
	}
}

func blockedFinalizer(s *service) {
	runtime.SetFinalizer(newRecord(100), func(*record) { select {} })
	s.step = func() {
		for want := *size * 1e6 * s.x; s.held < want; s.held += 1300 {
			r := newRecord(1200)
			runtime.SetFinalizer(r, func(r *record) { r.body = nil })
		}
	}
}

func web(s *service, ends bool) {
	var mu sync.Mutex
	sessions := map[string]map[string]string{}
	var order []string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		id := fmt.Sprintf("%s-%d", r.URL.Path, len(order))
		sessions[id] = map[string]string{"agent": r.UserAgent(), "body": string(body)}
		order = append(order, id)
		if ends && len(order) > 6000 {
			for _, old := range order[:3000] {
				delete(sessions, old)
			}
			order = append([]string(nil), order[3000:]...)
		}
		mu.Unlock()
		json.NewEncoder(w).Encode(map[string]interface{}{"id": id, "n": len(body)})
	})
	server := httptest.NewServer(handler)
	payload := make([]byte, 700)
	s.step = func() {
		for i := 0; i < int(*size); i++ {
			go func() {
				resp, err := http.Post(server.URL+"/basket", "text/plain", &reader{payload, 0})
				if err == nil {
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}()
		}
		mu.Lock()
		s.held = float64(len(sessions)) * 1300
		mu.Unlock()
	}
}

type reader struct {
	data []byte
	at   int
}

func (r *reader) Read(p []byte) (int, error) {
	if r.at >= len(r.data) {
		return 0, io.EOF
	}
	n := copy(p, r.data[r.at:])
	r.at += n
	return n, nil
}

func retry(s *service) {
	var queue []*record
	full := *size * 1e6 / 1100
	s.step = func() {
		since := s.t - *at**seconds
		var want float64
		switch {
		case since < 0:
		case since < *period/2:
			want = full * since / (*period / 2)
		case since < *period:
			want = full * (2 - since/(*period/2))
		}
		for float64(len(queue)) < want {
			queue = append(queue, newRecord(1000))
		}
		for float64(len(queue)) > want+1 {
			queue[len(queue)-1] = nil
			queue = queue[:len(queue)-1]
		}
	}
}

func shards(s *service) {
	const n = 64
	var tables [n]map[int][]byte
	for i := range tables {
		tables[i] = map[int][]byte{}
	}
	keys := int(*size * 1e6 / 1100)
	acc := 0.0
	s.step = func() {
		for acc += float64(keys) / (*at * *seconds * 100); acc > 0; acc-- {
			key := int(s.held/1100) % keys
			if s.held < *size*1e6 {
				s.held += 1100
			} else {
				key = s.rand.Intn(keys)
			}
			tables[key%n][key] = make([]byte, 1000)
		}
	}
}

func week(s *service) {
	var open []*record
	s.step = func() {
		level := 0.4 + 0.6*math.Min(1, s.x / *at)
		want := int(*size * 1e6 / 1100 * level * (0.75 + 0.25*math.Sin(2*math.Pi*s.t / *period)))
		for len(open) < want {
			open = append(open, newRecord(1000))
		}
		for i := want; i < len(open); i++ {
			open[i] = nil
		}
		open = open[:want]
	}
}

func drift(s *service) {
	var open []*record
	level, v := 0.5, 0.0
	s.step = func() {
		v = 0.995*v + 0.0002*s.rand.NormFloat64()
		level = math.Min(1, math.Max(0.2, level+v))
		want := int(*size * 1e6 / 1100 * level)
		for len(open) < want {
			open = append(open, newRecord(1000))
		}
		for i := want; i < len(open); i++ {
			open[i] = nil
		}
		open = open[:want]
	}
}
