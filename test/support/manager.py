"""The part of systemd that a container with NOTIFY_SOCKET talks to: prints each datagram as a line, and the number of
descriptors that came with it. manager.py SOCKET [SENDER-SOCKET TEXT]: with a text, sends that instead."""

import array
import os
import socket
import sys

if len(sys.argv) == 4:
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.sendto(sys.argv[3].encode(), sys.argv[2])
    sys.exit(0)

path = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + path[1:] if path.startswith("@") else path)
listener.settimeout(30)
print("listening", flush=True)
while True:
    data, control, _, _ = listener.recvmsg(4096, socket.CMSG_SPACE(4))
    descriptors = [fd for _, _, raw in control for fd in array.array("i", raw)]
    print(data.decode().strip().replace("\n", "|"), len(descriptors), flush=True)
    for fd in descriptors:
        os.close(fd)
