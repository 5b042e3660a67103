// SPDX-License-Identifier: MIT
// Both ends of a TCP connection over the loopback. Prints "same" when the data came back unchanged.
import java.io.DataInputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;

public class Pair {
    public static void main(String[] arguments) throws Exception {
        InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
        ServerSocket listener = new ServerSocket(0, 5, loopback);
        Thread server = new Thread() {
            public void run() {
                try (Socket socket = listener.accept()) {
                    byte[] data = new byte[10000];
                    for (int count; (count = socket.getInputStream().read(data)) > 0;)
                        socket.getOutputStream().write(data, 0, count);
                } catch (Exception error) {
                    error.printStackTrace();
                }
            }
        };
        server.start();
        try (Socket socket = new Socket(loopback, listener.getLocalPort())) {
            int state = 42;
            byte[] sent = new byte[10000];
            byte[] received = new byte[10000];
            for (int chunk = 0; chunk < 20; chunk++) {
                for (int i = 0; i < sent.length; i++) {
                    state = state * 1103515245 + 12345;
                    sent[i] = (byte) (state >> 16);
                }
                socket.getOutputStream().write(sent);
                new DataInputStream(socket.getInputStream()).readFully(received);
                if (!Arrays.equals(sent, received)) throw new Exception("different");
            }
        }
        server.join();
        System.out.println("same");
    }
}
