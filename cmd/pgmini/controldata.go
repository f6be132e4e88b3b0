package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/vfs/osfs"
)

func controldataCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "controldata [OPTION] [DATADIR]",
		Short: "Display control information of a database cluster",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := dataDir(dir, args)
			if err != nil {
				return err
			}
			return pgcontrol.Dump(cmd.OutOrStdout(), osfs.New(d), time.Local)
		},
	}
	cmd.Flags().StringVarP(&dir, "pgdata", "D", "", "data directory `DATADIR`")
	return cmd
}

// dataDir is the data directory that a tool was given: by -D, as its argument,
// or in PGDATA.
func dataDir(flag string, args []string) (string, error) {
	switch {
	case flag == "" && len(args) > 0:
		flag, args = args[0], args[1:]
	case flag == "":
		flag = os.Getenv("PGDATA")
	}
	if len(args) > 0 {
		return "", fmt.Errorf("too many command-line arguments (first is \"%s\")", args[0])
	}
	if flag == "" {
		return "", errors.New("no data directory specified")
	}
	return flag, nil
}
