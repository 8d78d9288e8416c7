// Owns the birth of a child that executes something at once: as vfork(2), which shares this process's memory until
// then.
#pragma once

#include "../sys/outcome.h"

namespace tsrunc::front {

// This process stands still until the child has executed another program, or has ended: what `child` returns is its
// exit status. `flags`: CLONE_NEW*. The value is the child's pid. Signals are blocked in the child.
sys::Outcome Spawn(unsigned long flags, int (*child)(void* argument), void* argument);

}  // namespace tsrunc::front
