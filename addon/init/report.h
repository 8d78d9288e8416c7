// Owns the protocol between the executor and whoever planned. Carries numbers; TypeScript makes the sentences.
//
//   planner                       parent                        init
//      | -- plan, descriptors ----> |                             |
//      |                            | clone3 -------------------> | blocks on the release pipe
//      | <---- kPid(pid) ---------- |                             |
//      |                            | joinCgroup, id maps ...     |
//      |                            | releaseInit --------------> | mounts, devices, pivot_root ...
//      |                            x exits                       |
//      | <------------------------- kAwait(point) --------------- | blocks
//      | -------------------------- one byte -------------------> |
//      | <------------------------- kTerminal + descriptor ------ | (with process.terminal)
//      | <------------------------- end of file ----------------- | execve worked
//
// They come in pairs: every kAwait is answered by one byte, or by closing the socket, on which init exits.
// A failure is one kFail from the stage that failed, which then exits; nothing follows it.
#pragma once

#include <stdint.h>

#include "../sys/outcome.h"

namespace tsrunc::init {

enum class Message : uint32_t { kPid = 1, kDone = 2, kAwait = 3, kFail = 4, kWarn = 5, kTerminal = 6 };

struct Report {
  Message kind;
  uint32_t stage;
  uint32_t op;           // index in the plan
  uint32_t call;         // position in sys/calls.def
  int32_t err;           // positive errno, 0 when there is none
  uint32_t detail_size;  // bytes of `detail` that are sent
  int64_t value;
  char detail[480];  // the kernel's own words where it has any (fsopen's log), or the path that was found wanting
};
static_assert(sizeof(Report) == 512);
constexpr unsigned kReportHead = 32;

// Sends one message on `socket` (SOCK_SEQPACKET). A planner that is gone cannot be told: the result says so.
sys::Outcome Send(int socket, const Report& report, int descriptor = -1);

// Sends a descriptor with `name` as the message: the protocol of console sockets.
sys::Outcome SendDescriptor(int socket, const char* name, int descriptor);

}  // namespace tsrunc::init
