// SPDX-License-Identifier: MIT
// Both ends of a TCP connection over the loopback. Prints "same" when the data came back unchanged.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut data = [0u8; 10000];
        loop {
            let count = stream.read(&mut data).unwrap();
            if count == 0 {
                break;
            }
            stream.write_all(&data[..count]).unwrap();
        }
    });
    let mut stream = TcpStream::connect(address).unwrap();
    let mut state = 42u32;
    for _ in 0..20 {
        let mut sent = [0u8; 10000];
        for byte in sent.iter_mut() {
            state = state.wrapping_mul(1103515245).wrapping_add(12345);
            *byte = (state >> 16) as u8;
        }
        stream.write_all(&sent).unwrap();
        let mut received = [0u8; 10000];
        stream.read_exact(&mut received).unwrap();
        assert!(sent == received);
    }
    drop(stream);
    server.join().unwrap();
    println!("same");
}
