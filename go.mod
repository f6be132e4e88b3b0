module github.com/pgmini/pgmini

go 1.26
