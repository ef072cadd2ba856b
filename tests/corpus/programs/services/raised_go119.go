package main

import "runtime/debug"

func raised(s *service) {
	encode(s)
	debug.SetMemoryLimit(int64(*size * 1.5e6))
	inner, done := s.step, false
	s.step = func() {
		inner()
		if !done && s.x > *at {
			debug.SetMemoryLimit(int64(*size * 12e6))
			done = true
		}
	}
}
