// SPDX-License-Identifier: MIT

// The same as echo.c by the net package of Go:
//
//	echo serve PORT COUNT
//	echo ask PORT BYTES COUNT
package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"strconv"
	"sync"
)

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func number(index int) int {
	n, err := strconv.Atoi(os.Args[index])
	check(err)
	return n
}

func serve(address string, count int) {
	listener, err := net.Listen("tcp4", address)
	check(err)
	var all sync.WaitGroup
	for i := 0; i < count; i++ {
		peer, err := listener.Accept()
		check(err)
		all.Add(1)
		go func() {
			defer all.Done()
			_, err := io.Copy(peer, peer)
			check(err)
			check(peer.Close())
		}()
	}
	all.Wait()
}

func ask(address string, size int, seed int64) {
	peer, err := net.Dial("tcp4", address)
	check(err)
	data := make([]byte, size)
	rand.New(rand.NewSource(seed)).Read(data)
	go func() {
		_, err := peer.Write(data)
		check(err)
	}()
	back := make([]byte, size)
	_, err = io.ReadFull(peer, back)
	check(err)
	if !bytes.Equal(data, back) {
		fmt.Println("different")
		os.Exit(1)
	}
	check(peer.Close())
}

func main() {
	address := "127.0.0.1:" + os.Args[2]
	if os.Args[1] == "serve" {
		serve(address, number(3))
		return
	}
	var all sync.WaitGroup
	for i := 0; i < number(4); i++ {
		all.Add(1)
		go func(seed int64) {
			defer all.Done()
			ask(address, number(3), seed)
		}(int64(i))
	}
	all.Wait()
	fmt.Println("same", number(4))
}
