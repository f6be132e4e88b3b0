package main

import (
	"github.com/spf13/cobra"

	"github.com/pgmini/pgmini/pgcontrol/checksums"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs/osfs"
)

func checksumsCommand() *cobra.Command {
	var dir string
	var check, enable, disable bool
	o := checksums.Options{}
	cmd := &cobra.Command{
		Use:   "checksums [OPTION]... [DATADIR]",
		Short: "Verify data checksums in a database cluster",
		RunE: func(cmd *cobra.Command, args []string) error {
			if enable || disable {
				return pgerr.NotYet("enabling or disabling checksums")
			}
			d, err := dataDir(dir, args)
			if err != nil {
				return err
			}
			o.FS, o.Name, o.Out, o.Err = osfs.New(d), d, cmd.OutOrStdout(), cmd.ErrOrStderr()
			return checksums.Check(o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&dir, "pgdata", "D", "", "data directory `DATADIR`")
	f.BoolVarP(&check, "check", "c", true, "check data checksums")
	f.BoolVarP(&enable, "enable", "e", false, "enable data checksums")
	f.BoolVarP(&disable, "disable", "d", false, "disable data checksums")
	f.StringVarP(&o.Filenode, "filenode", "f", "", "check only relation with specified `FILENODE`")
	f.BoolVarP(&o.Verbose, "verbose", "v", false, "output verbose messages")
	return cmd
}
