// Command stuck ends in a deadlock: nothing but channels, locks and groups is waited for.
package main

import (
	"fmt"
	"os"
	"sync"
)

type stage struct {
	in, out chan int
	group   *sync.WaitGroup
}

func (s *stage) run() {
	defer s.group.Done()
	for v := range s.in {
		s.out <- v * 2
	}
	close(s.out)
}

func pipeline() {
	var group sync.WaitGroup
	first := make(chan int)
	in := first
	for i := 0; i < 3; i++ {
		s := &stage{in: in, out: make(chan int), group: &group}
		group.Add(1)
		go s.run()
		in = s.out
	}
	for i := 0; i < 10; i++ {
		first <- i
	}
	fmt.Println(<-in)
}

type accounts struct {
	sync.Mutex
	other *accounts
}

func (a *accounts) move(ready, done *sync.WaitGroup) {
	a.Lock()
	ready.Done()
	ready.Wait()
	a.other.Lock()
	a.other.Unlock()
	a.Unlock()
	done.Done()
}

func order() {
	a, b := &accounts{}, &accounts{}
	a.other, b.other = b, a
	var ready, done sync.WaitGroup
	ready.Add(2)
	done.Add(2)
	go a.move(&ready, &done)
	go b.move(&ready, &done)
	done.Wait()
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "order" {
		order()
	}
	pipeline()
}
