package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/vfs/osfs"
)

// running finds the process that serves a directory.
func running(dir string) (*engine.PIDFile, error) {
	p, err := engine.ReadPIDFile(osfs.New(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("PID file \"%s/%s\" does not exist\nIs server running?", dir, engine.PIDFileName)
	}
	if err != nil {
		return nil, err
	}
	if p.PID <= 0 || !alive(p.PID) {
		return nil, fmt.Errorf("no server running (stale PID file of process %d)", p.PID)
	}
	return p, nil
}

func stopCommand() *cobra.Command {
	var dir, mode string
	var wait int
	var noWait bool
	cmd := &cobra.Command{
		Use:   "stop [OPTION]... [DATADIR]",
		Short: "Stop the server of a data directory",
		Long: `stop tells the server to stop and waits until it has.

  smart      wait until all clients have left
  fast       end their sessions, write a checkpoint (the default)
  immediate  stop at once; the next start recovers`,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := dataDir(dir, args)
			if err != nil {
				return err
			}
			sig, ok := map[string]syscall.Signal{"smart": syscall.SIGTERM, "s": syscall.SIGTERM, "fast": syscall.SIGINT, "f": syscall.SIGINT,
				"immediate": syscall.SIGQUIT, "i": syscall.SIGQUIT}[mode]
			if !ok {
				return fmt.Errorf("unrecognized shutdown mode \"%s\"", mode)
			}
			p, err := running(d)
			if err != nil {
				return err
			}
			if err := syscall.Kill(p.PID, sig); err != nil {
				return fmt.Errorf("could not send stop signal (PID: %d): %w", p.PID, err)
			}
			if noWait {
				fmt.Fprintln(cmd.OutOrStdout(), "server shutting down")
				return nil
			}
			for end := time.Now().Add(time.Duration(wait) * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				if q, err := engine.ReadPIDFile(osfs.New(d)); err != nil || q.PID != p.PID || !alive(p.PID) {
					fmt.Fprintln(cmd.OutOrStdout(), "server stopped")
					return nil
				}
			}
			return errors.New("server does not shut down")
		},
	}
	f := cmd.Flags()
	f.StringVarP(&dir, "pgdata", "D", "", "data directory `DATADIR`")
	f.StringVarP(&mode, "mode", "m", "fast", "`MODE`: smart, fast, immediate")
	f.IntVarP(&wait, "timeout", "t", 60, "`SECONDS` to wait")
	f.BoolVarP(&noWait, "no-wait", "W", false, "do not wait until it has stopped")
	return cmd
}

func reloadCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "reload [OPTION]... [DATADIR]",
		Short: "Have the server read its configuration files again",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := dataDir(dir, args)
			if err != nil {
				return err
			}
			p, err := running(d)
			if err != nil {
				return err
			}
			if err := syscall.Kill(p.PID, syscall.SIGHUP); err != nil {
				return fmt.Errorf("could not send reload signal (PID: %d): %w", p.PID, err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "server signaled")
			return nil
		},
	}
	cmd.Flags().StringVarP(&dir, "pgdata", "D", "", "data directory `DATADIR`")
	return cmd
}

func statusCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "status [OPTION]... [DATADIR]",
		Short: "Tell whether a server runs on a data directory",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := dataDir(dir, args)
			if err != nil {
				return err
			}
			p, err := running(d)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "server is running (PID: %d)\n", p.PID)
			fmt.Fprintf(out, "status: %s\nstarted: %s\nport: %d\n", p.Status, time.Unix(p.Start, 0).Format(time.RFC3339), p.Port)
			if p.SocketDir != "" {
				fmt.Fprintf(out, "socket directory: %s\n", p.SocketDir)
			}
			if p.Listen != "" {
				fmt.Fprintf(out, "listens on: %s\n", p.Listen)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&dir, "pgdata", "D", "", "data directory `DATADIR`")
	return cmd
}
