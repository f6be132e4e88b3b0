package server_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/xdg-go/scram"
)

// rawSession logs in and runs a statement with next to no memory of its own.
func rawSession(nc net.Conn) error {
	if _, err := nc.Write(packet(196608, "user\x00postgres\x00\x00")); err != nil {
		return err
	}
	cl, err := scram.SHA256.NewClient("postgres", password, "")
	if err != nil {
		return err
	}
	conv := cl.NewConversation()
	send := func(kind byte, body []byte) error {
		b := append([]byte{kind}, binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))...)
		_, err := nc.Write(append(b, body...))
		return err
	}
	asked := false
	for {
		var head [5]byte
		if _, err := io.ReadFull(nc, head[:]); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(nc, body); err != nil {
			return err
		}
		switch head[0] {
		case 'E':
			return fmt.Errorf("%q", body)
		case 'R':
			switch binary.BigEndian.Uint32(body) {
			case 10:
				m, _ := conv.Step("")
				b := append([]byte("SCRAM-SHA-256\x00"), binary.BigEndian.AppendUint32(nil, uint32(len(m)))...)
				if err := send('p', append(b, m...)); err != nil {
					return err
				}
			case 11:
				m, err := conv.Step(string(body[4:]))
				if err != nil {
					return err
				}
				if err := send('p', []byte(m)); err != nil {
					return err
				}
			}
		case 'Z':
			if asked {
				return nil
			}
			asked = true
			if err := send('Q', []byte("select count(*) from pg_class where relname = 'x'\x00")); err != nil {
				return err
			}
		}
	}
}
