// Owns the way to a planner that is running already: where it listens, whether it may be trusted, and the request that
// it gets (protocol.h).
#pragma once

#include "../sys/fd.h"
#include "node.h"
#include "protocol.h"

namespace tsrunc::front {

// The message that is being read or made: one at a time. Only what is used of it becomes resident.
struct MessageBuffer {
  Head head;
  char data[kMessageMax];
};
extern MessageBuffer g_message;

// A connection with the request on its way; none where there is nobody to ask.
sys::UniqueFd Request(const Command& command);

}  // namespace tsrunc::front
