module calm

go 1.22
