// Package rates has a table that is made when the program starts.
package rates

import (
	"strings"
	"time"
)

var table = load()

func load() map[string]string {
	time.Sleep(30 * time.Millisecond)
	rates := map[string]string{}
	for _, line := range strings.Split("EUR=1.0\nUSD=1.1\nGBP", "\n") {
		rates[strings.Split(line, "=")[0]] = strings.Split(line, "=")[1]
	}
	return rates
}

// Of is the rate of a currency.
func Of(code string) string { return table[code] }
