// Sending of reports; see report.h for the protocol.
#include "report.h"

#include <linux/socket.h>

#include "../sys/calls.h"
#include "../sys/text.h"

namespace tsrunc::init {
namespace {

constexpr int kMsgNoSignal = 0x4000;
constexpr int kSolSocket = 1, kScmRights = 1;

struct IoVec {
  const void* base;
  size_t size;
};
struct ControlMessage {  // cmsg(3) with one descriptor, padded to 8
  size_t size;
  int level, type, descriptor, padding;
};
struct MessageHeader {  // struct msghdr as the kernel reads it on 64-bit machines
  void* name;
  int name_size;
  const IoVec* parts;
  size_t part_count;
  void* control;
  size_t control_size;
  unsigned flags;
};

sys::Outcome SendBytes(int socket, const void* data, size_t size, int descriptor) {
  IoVec part{data, size};
  ControlMessage control{20, kSolSocket, kScmRights, descriptor, 0};
  MessageHeader message{nullptr, 0, &part, 1, nullptr, 0, 0};
  if (descriptor >= 0) {
    message.control = &control;
    message.control_size = sizeof(control);
  }
  return sys::Sendmsg(socket, &message, kMsgNoSignal);
}

}  // namespace

sys::Outcome Send(int socket, const Report& report, int descriptor) {
  return SendBytes(socket, &report, kReportHead + report.detail_size, descriptor);
}

sys::Outcome SendDescriptor(int socket, const char* name, int descriptor) {
  return SendBytes(socket, name, sys::Length(name), descriptor);
}

}  // namespace tsrunc::init
