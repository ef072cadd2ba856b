module badinit

go 1.19
