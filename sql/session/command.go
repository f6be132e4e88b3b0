package session

import (
	"context"
	"sync"
	"time"

	"github.com/pgmini/pgmini/pgerr"
)

// command is the context of the running statement: it ends with a cancel request,
// a timeout, the end of the session or of the server. It is reused, so that a
// statement allocates nothing for it.
type command struct {
	parent context.Context
	mu     struct {
		sync.Mutex
		active bool
		done   chan struct{}
		err    *pgerr.Error
		// end is why the session must end; it outlives the statement.
		end *pgerr.Error
	}
	timer *time.Timer
}

var _ context.Context = (*command)(nil)

func (c *command) init(parent context.Context) {
	c.parent = parent
	c.mu.done = make(chan struct{})
}

// Deadline is part of context.Context.
func (c *command) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value is part of context.Context.
func (c *command) Value(any) any { return nil }

// Done is part of context.Context.
func (c *command) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.done
}

// Err is part of context.Context: a *pgerr.Error, so that context.Cause has it.
func (c *command) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.err == nil {
		return nil
	}
	return c.mu.err
}

// start begins a statement with a time limit; 0 is none.
func (c *command) start(limit time.Duration) {
	c.mu.Lock()
	if c.mu.err != nil && c.mu.end == nil {
		c.mu.err = nil
		c.mu.done = make(chan struct{})
	}
	c.mu.active = true
	c.mu.Unlock()
	if limit <= 0 {
		return
	}
	if c.timer == nil {
		c.timer = time.AfterFunc(limit, c.timeout)
		return
	}
	c.timer.Reset(limit)
}

// finish ends a statement.
func (c *command) finish() {
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Lock()
	c.mu.active = false
	c.mu.Unlock()
}

func (c *command) timeout() {
	c.cancel(pgerr.New(pgerr.QueryCanceled, "canceling statement due to statement timeout"))
}

// cancel ends the running statement, if there is one.
func (c *command) cancel(why *pgerr.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.active && c.mu.err == nil {
		c.mu.err = why
		close(c.mu.done)
	}
}

// terminate ends the running statement and the session.
func (c *command) terminate(why *pgerr.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.end == nil {
		c.mu.end = why
	}
	if c.mu.err == nil {
		c.mu.err = why
		close(c.mu.done)
	}
}

// Cancel ends the running statement, if there is one, as a cancel request does.
func (s *Session) Cancel() {
	s.cmd.cancel(pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request"))
}

// Terminate ends the running statement with a FATAL error; the caller closes the
// session after it.
func (s *Session) Terminate(why *pgerr.Error) {
	why.Fatal = true
	s.cmd.terminate(why)
}

// Ended is why the session must end, or nil.
func (s *Session) Ended() *pgerr.Error {
	s.cmd.mu.Lock()
	defer s.cmd.mu.Unlock()
	return s.cmd.mu.end
}
