package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/fsm"
	"github.com/pgmini/pgmini/page"
)

func fsmFind(rel *access.Relation, need int) (page.BlockNumber, error) {
	return fsm.Of(rel.Pool, rel.Node).Find(need)
}

func fsmRecordAndFind(rel *access.Relation, blk page.BlockNumber, free, need int) (page.BlockNumber, error) {
	return fsm.Of(rel.Pool, rel.Node).RecordAndFind(blk, free, need)
}

func fsmRecord(rel *access.Relation, blk page.BlockNumber, free int) error {
	return fsm.Of(rel.Pool, rel.Node).Record(blk, free)
}
