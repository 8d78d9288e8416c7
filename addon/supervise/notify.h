// Owns the way of "READY=1" from a container to the manager that waits for it, sd_notify(3). Nothing else that the
// container says goes further: the manager would take it as said by us. Freestanding, see supervise.h.
#pragma once

#include "../sys/outcome.h"

namespace tsrunc::supervise {

struct Notify {
  int socket = -1;             // the datagram socket that the container writes to; -1: there is none
  const char* host = nullptr;  // $NOTIFY_SOCKET: a path, or with @ a name in the abstract namespace
  int main_pid = 0;            // said to the manager as MAINPID, unless it is 0
  bool has_barrier = false;    // whether to wait, 30 s at most, until the manager has read it: our process ends then
};

// Takes one datagram from the container, without waiting for one. `value` is 1 when it was READY and has been handed
// on.
sys::Outcome ForwardReady(const Notify& notify);

// Blocks until READY has come and has been handed on: `value` is 1; or the process of `pidfd` has ended: 0.
sys::Outcome WaitForReady(const Notify& notify, int pidfd);

}  // namespace tsrunc::supervise
