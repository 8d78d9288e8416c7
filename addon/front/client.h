// Owns the front's side of protocol.h: a request to the planner and what it asks for. Everything of a container starts
// here, as a child of this process and so of the caller's: with its limits, its cgroups and its streams.
#pragma once

#include "node.h"

namespace tsrunc::front {

struct Answer {
  bool is_done;  // false: there is no planner for this, and nothing has happened yet
  int status;
};

Answer Ask(const Command& command);

}  // namespace tsrunc::front
