module backends

go 1.21
