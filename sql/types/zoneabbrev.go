package types

import (
	"maps"
	"slices"
)

// ZoneAbbrev is an abbreviation of a time zone.
type ZoneAbbrev struct {
	Name string
	East int32 // seconds
	DST  bool
}

// ZoneAbbrevs lists the abbreviations that the input of times knows, by name.
func ZoneAbbrevs() []ZoneAbbrev {
	var out []ZoneAbbrev
	for _, n := range slices.Sorted(maps.Keys(zoneAbbrevs)) {
		out = append(out, ZoneAbbrev{n, zoneAbbrevs[n][0], zoneAbbrevs[n][1] != 0})
	}
	return out
}

// zoneAbbrevs maps the abbreviations of PostgreSQL's default set to seconds east
// of UTC. The second number is 1 for
// daylight-saving time.
//
// constant
var zoneAbbrevs = map[string][2]int32{
	"acdt": {37800, 1}, "acsst": {37800, 1}, "acst": {34200, 0}, "act": {-18000, 0},
	"acwst": {31500, 0}, "adt": {-10800, 1}, "aedt": {39600, 1}, "aesst": {39600, 1},
	"aest": {36000, 0}, "aft": {16200, 0}, "akdt": {-28800, 1}, "akst": {-32400, 0},
	"almst": {25200, 1}, "almt": {21600, 0}, "amst": {14400, 0}, "amt": {-14400, 0},
	"anast": {43200, 0}, "anat": {43200, 0}, "arst": {-10800, 0}, "art": {-10800, 0},
	"ast": {-14400, 0}, "awsst": {32400, 1}, "awst": {28800, 0}, "azost": {0, 1},
	"azot": {-3600, 0}, "azst": {14400, 0}, "azt": {14400, 0}, "bdst": {7200, 1},
	"bdt": {21600, 0}, "bnt": {28800, 0}, "bort": {28800, 0}, "bot": {-14400, 0},
	"bra": {-10800, 0}, "brst": {-7200, 1}, "brt": {-10800, 0}, "bst": {3600, 1},
	"btt": {21600, 0}, "cadt": {37800, 1}, "cast": {34200, 0}, "cct": {28800, 0},
	"cdt": {-18000, 1}, "cest": {7200, 1}, "cet": {3600, 0}, "cetdst": {7200, 1},
	"chadt": {49500, 1}, "chast": {45900, 0}, "chut": {36000, 0}, "ckt": {-36000, 0},
	"clst": {-10800, 1}, "clt": {-10800, 1}, "cot": {-18000, 0}, "cst": {-21600, 0},
	"cxt": {25200, 0}, "davt": {25200, 0}, "ddut": {36000, 0}, "easst": {-18000, 1},
	"east": {-18000, 1}, "eat": {10800, 0}, "edt": {-14400, 1}, "eest": {10800, 1},
	"eet": {7200, 0}, "eetdst": {10800, 1}, "egst": {0, 1}, "egt": {-3600, 0},
	"est": {-18000, 0}, "fet": {10800, 0}, "fjst": {46800, 1}, "fjt": {43200, 0},
	"fkst": {-10800, 0}, "fkt": {-10800, 0}, "fnst": {-3600, 1}, "fnt": {-7200, 0},
	"galt": {-21600, 0}, "gamt": {-32400, 0}, "gest": {14400, 0}, "get": {14400, 0},
	"gft": {-10800, 0}, "gilt": {43200, 0}, "gmt": {0, 0}, "gyt": {-14400, 0},
	"hkt": {28800, 0}, "hst": {-36000, 0}, "ict": {25200, 0}, "idt": {10800, 1},
	"iot": {21600, 0}, "irkst": {28800, 0}, "irkt": {28800, 0}, "irt": {12600, 0},
	"ist": {7200, 0}, "jayt": {32400, 0}, "jst": {32400, 0}, "kdt": {36000, 1},
	"kgst": {21600, 1}, "kgt": {21600, 0}, "kost": {39600, 0}, "krast": {25200, 0},
	"krat": {25200, 0}, "kst": {32400, 0}, "lhdt": {39600, 1}, "lhst": {37800, 0},
	"ligt": {36000, 0}, "lint": {50400, 0}, "lkt": {19800, 0}, "magst": {39600, 0},
	"magt": {39600, 0}, "mart": {-34200, 0}, "mawt": {18000, 0}, "mdt": {-21600, 1},
	"mest": {7200, 1}, "mesz": {7200, 1}, "met": {3600, 0}, "metdst": {7200, 1},
	"mez": {3600, 0}, "mht": {43200, 0}, "mmt": {23400, 0}, "mpt": {36000, 0},
	"msd": {14400, 1}, "msk": {10800, 0}, "mst": {-25200, 0}, "must": {18000, 1},
	"mut": {14400, 0}, "mvt": {18000, 0}, "myt": {28800, 0}, "ndt": {-9000, 1},
	"nft": {-12600, 0}, "novst": {25200, 0}, "novt": {25200, 0}, "npt": {20700, 0},
	"nst": {-12600, 0}, "nut": {-39600, 0}, "nzdt": {46800, 1}, "nzst": {43200, 0},
	"nzt": {43200, 0}, "omsst": {21600, 0}, "omst": {21600, 0}, "pdt": {-25200, 1},
	"pet": {-18000, 0}, "petst": {43200, 0}, "pett": {43200, 0}, "pgt": {36000, 0},
	"pht": {28800, 0}, "pkst": {21600, 1}, "pkt": {18000, 0}, "pmdt": {-7200, 1},
	"pmst": {-10800, 0}, "pont": {39600, 0}, "pst": {-28800, 0}, "pwt": {32400, 0},
	"pyst": {-10800, 1}, "pyt": {-10800, 0}, "ret": {14400, 0}, "sadt": {37800, 1},
	"sast": {7200, 0}, "sct": {14400, 0}, "sgt": {28800, 0}, "taht": {-36000, 0},
	"tft": {18000, 0}, "tjt": {18000, 0}, "tkt": {46800, 0}, "tmt": {18000, 0},
	"tot": {46800, 0}, "trut": {36000, 0}, "tvt": {43200, 0}, "uct": {0, 0},
	"ulast": {32400, 1}, "ulat": {28800, 0}, "ut": {0, 0}, "utc": {0, 0},
	"uyst": {-7200, 1}, "uyt": {-10800, 0}, "uzst": {21600, 1}, "uzt": {18000, 0},
	"vet": {-14400, 0}, "vlast": {36000, 0}, "vlat": {36000, 0}, "volt": {10800, 0},
	"vut": {39600, 0}, "wadt": {28800, 1}, "wakt": {43200, 0}, "wast": {25200, 0},
	"wat": {3600, 0}, "wdt": {32400, 1}, "wet": {0, 0}, "wetdst": {3600, 1},
	"wft": {43200, 0}, "wgst": {-7200, 1}, "wgt": {-10800, 0}, "xjt": {21600, 0},
	"yakst": {32400, 0}, "yakt": {32400, 0}, "yapt": {36000, 0}, "yekst": {21600, 1},
	"yekt": {18000, 0}, "z": {0, 0}, "zulu": {0, 0},
}
