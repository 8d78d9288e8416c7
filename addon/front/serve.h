// Owns what a front does for whom it asks (protocol.h): starts, waits, supervises, removes, and ends. Everything of a
// container starts here, as a child of this process and so of the caller's: with its limits, its cgroups and its
// streams.
#pragma once

#include "node.h"

namespace tsrunc::front {

struct Answer {
  bool is_done;  // false: nothing has happened yet, and this process must become Node itself
  int status;
};

// Asks the planner that is running, or else Node as a child of this process.
Answer Ask(const Command& command);

}  // namespace tsrunc::front
