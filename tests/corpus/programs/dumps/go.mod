module dumps

go 1.22
