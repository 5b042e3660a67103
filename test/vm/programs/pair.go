// SPDX-License-Identifier: MIT
// Both ends of a TCP connection over the loopback. Prints "same" when the data came back unchanged.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
)

const (
	chunk  = 10000
	chunks = 20
)

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	check(err)
	done := make(chan bool)
	go func() {
		connection, err := listener.Accept()
		check(err)
		_, err = io.Copy(onlyWriter{connection}, onlyReader{connection})
		check(err)
		connection.Close()
		done <- true
	}()
	connection, err := net.Dial("tcp4", listener.Addr().String())
	check(err)
	sent, received := make([]byte, chunk), make([]byte, chunk)
	state := uint32(42)
	for range [chunks]int{} {
		for i := range sent {
			state = state*1103515245 + 12345
			sent[i] = byte(state >> 16)
		}
		_, err = connection.Write(sent)
		check(err)
		_, err = io.ReadFull(connection, received)
		check(err)
		if !bytes.Equal(sent, received) {
			fmt.Println("different")
			os.Exit(1)
		}
	}
	connection.Close()
	<-done
	fmt.Println("same")
}

// Without these wrappers, io.Copy would use splice, which behaves differently on SMC.
type onlyWriter struct{ io.Writer }
type onlyReader struct{ io.Reader }

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
