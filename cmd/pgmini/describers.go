package main

import (
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// describers is the table of all resource managers' describers.
func describers() []xlog.Describer {
	var all []xlog.Describer
	for _, d := range [][]xlog.Describer{xlog.Describers(), rmgrs.Describers(), xact.Describers(),
		heap.Describers(), nbtree.Describers()} {
		all = append(all, d...)
	}
	return all
}
