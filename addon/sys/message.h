// Owns the shapes of sendmsg(2) and recvmsg(2) as the kernel reads them on 64-bit machines, for code without libc.
#pragma once

#include <linux/errno.h>
#include <stddef.h>

#include "calls.h"
#include "fd.h"

namespace tsrunc::sys {

constexpr int kMsgNoSignal = 0x4000, kMsgCloseOnExec = 0x40000000, kMsgControlCut = 8;
constexpr int kSolSocket = 1, kScmRights = 1;
constexpr unsigned kMaxDescriptors = 253;  // in one message: SCM_MAX_FD of unix(7)

struct IoVec {
  const void* base;
  size_t size;
};
struct ControlMessage {  // cmsg(3) with descriptors
  size_t size;
  int level, type;
  int descriptors[kMaxDescriptors];
};
constexpr size_t kControlHead = offsetof(ControlMessage, descriptors);
struct MessageHeader {  // struct msghdr
  void* name;
  int name_size;
  const IoVec* parts;
  size_t part_count;
  void* control;
  size_t control_size;
  unsigned flags;
};

// One message with at most one descriptor (-1: none).
inline Outcome SendMessage(int socket, const void* data, size_t size, int descriptor = -1) {
  IoVec part{data, size};
  ControlMessage control{kControlHead + sizeof(int), kSolSocket, kScmRights, {descriptor}};
  MessageHeader message{nullptr, 0, &part, 1, nullptr, 0, 0};
  if (descriptor >= 0) {
    message.control = &control;
    message.control_size = kControlHead + 2 * sizeof(int);  // padded to 8
  }
  return Sendmsg(socket, &message, kMsgNoSignal);
}

// recvmsg(2) of a Unix socket. ECONNRESET only says that the other end has left unread what we sent; what it sent
// before that comes by the next call.
inline Outcome ReceiveOnce(int socket, void* message, int flags) {
  Outcome received = Recvmsg(socket, message, flags);
  if (received.value != -104 /* ECONNRESET */) return received;
  Outcome next = Recvmsg(socket, message, flags);
  return next.value == 0 ? received : next;  // there was nothing before it
}

// The next message, with its descriptors, which the caller closes; `value` is its size, 0 at the end. EMFILE: there was
// no room for all of them.
inline Outcome ReceiveMessage(int socket, void* data, size_t size, ControlMessage* control, unsigned* count) {
  IoVec part{data, size};
  MessageHeader message{nullptr, 0, &part, 1, control, sizeof(*control), 0};
  Outcome received = ReceiveOnce(socket, &message, kMsgCloseOnExec);
  bool has_some = received.ok() && message.control_size > kControlHead && control->type == kScmRights;
  *count = has_some ? static_cast<unsigned>((control->size - kControlHead) / sizeof(int)) : 0;
  if (received.ok() && (message.flags & kMsgControlCut) != 0) return Fail(EMFILE, Call::k_recvmsg);
  return received;
}

}  // namespace tsrunc::sys
