package initdb

import (
	"encoding/base64"
	"fmt"
	"io"

	"github.com/xdg-go/scram"
)

// scramIterations and scramSalt are PostgreSQL 15's.
const (
	scramIterations = 4096
	scramSalt       = 16
)

// Verifier is what pg_authid.rolpassword holds for a password: the SCRAM-SHA-256
// secret with a salt from random.
func Verifier(password string, random io.Reader) (string, error) {
	salt := make([]byte, scramSalt)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	c, err := scram.SHA256.NewClient("", password, "")
	if err != nil { // not a SASLprep string: PostgreSQL takes the bytes
		if c, err = scram.SHA256.NewClientUnprepped("", password, ""); err != nil {
			return "", fmt.Errorf("make SCRAM secret: %w", err)
		}
	}
	k, err := c.GetStoredCredentialsWithError(scram.KeyFactors{Salt: string(salt), Iters: scramIterations})
	if err != nil {
		return "", fmt.Errorf("make SCRAM secret: %w", err)
	}
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramIterations, b64(salt), b64(k.StoredKey), b64(k.ServerKey)), nil
}
