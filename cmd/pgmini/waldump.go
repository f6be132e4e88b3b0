package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xlog/waldump"
)

func waldumpCommand() *cobra.Command {
	var o waldump.Options
	cmd := &cobra.Command{
		Use:   "waldump [OPTION]... [STARTSEG [ENDSEG]]",
		Short: "Decode and display write-ahead logs",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && cmd.Flags().NFlag() == 0 {
				return errors.New("no arguments specified")
			}
			o.Args = args
			wd, err := os.Getwd()
			if err != nil {
				return err
			}
			err = waldump.Run(cmd.Context(), o, waldump.Env{FS: osfs.New(wd), PGData: os.Getenv("PGDATA"),
				Out: cmd.OutOrStdout(), Table: describers()})
			var usage *waldump.UsageError
			if errors.As(err, &usage) {
				return fmt.Errorf("%w\nTry \"pgmini waldump --help\" for more information.", err)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.BkpDetails, "bkp-details", "b", false, "output detailed information about backup blocks")
	f.StringVarP(&o.Block, "block", "B", "", "with --relation, only show records that modify block `N`")
	f.StringVarP(&o.End, "end", "e", "", "stop reading at WAL location `RECPTR`")
	f.BoolVarP(&o.Follow, "follow", "f", false, "keep retrying after reaching end of WAL")
	f.StringVarP(&o.Fork, "fork", "F", "", "only show records that modify blocks in fork `FORK`: main, fsm, vm, init")
	f.StringVarP(&o.Limit, "limit", "n", "", "number of records to display (`N`)")
	f.StringVarP(&o.Path, "path", "p", "", "`PATH` of the folder with the segment files, or of the data directory")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "do not print any output, except for errors")
	f.StringVarP(&o.Rmgr, "rmgr", "r", "", "only show records of resource manager `RMGR`; \"list\" lists the names")
	f.StringVarP(&o.Relation, "relation", "R", "", "only show records that modify blocks in relation `T/D/R`")
	f.StringVarP(&o.Start, "start", "s", "", "start reading at WAL location `RECPTR`")
	f.StringVarP(&o.Timeline, "timeline", "t", "", "timeline from which to read log records (`TLI`)")
	f.BoolVarP(&o.FullPage, "fullpage", "w", false, "only show records with a full page write")
	f.StringVarP(&o.XID, "xid", "x", "", "only show records with transaction ID `XID`")
	f.StringVarP(&o.Stats, "stats", "z", "", "show statistics instead of records (optionally, per \"record\")")
	f.Lookup("stats").NoOptDefVal = "rmgr"
	f.BoolVar(&o.JSON, "json", false, "print records as JSON, one per line")
	return cmd
}
