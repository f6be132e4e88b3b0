// Command pgmini is PostgreSQL's storage engine in Go as one binary: a server,
// and the tools that look at its data directory.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pgmini/pgmini/pgerr"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	root := rootCommand()
	err := root.ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: error: %v\n", root.Name(), err)
		if e, ok := pgerr.As(err); ok && e.Detail != "" {
			fmt.Fprintf(os.Stderr, "DETAIL:  %s\n", e.Detail)
		}
		if e, ok := pgerr.As(err); ok && e.Hint != "" {
			fmt.Fprintf(os.Stderr, "HINT:  %s\n", e.Hint)
		}
		os.Exit(1)
	}
}

// rootCommand is the command line with all subcommands.
func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "pgmini",
		Short:         "PostgreSQL 15's storage engine in Go",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(initdbCommand(), serveCommand(), stopCommand(), reloadCommand(), statusCommand(), waldumpCommand(), controldataCommand(), checksumsCommand())
	return root
}
