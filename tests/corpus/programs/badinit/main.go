// Command badinit does not get past the initialization of a package.
package main

import (
	"fmt"

	"badinit/rates"
)

func main() { fmt.Println(rates.Of("EUR")) }
