// Owns the step from a newborn process to the helper: descriptors at the numbers that it expects, then its execution.
// Freestanding. Knows no plan.
#pragma once

#include "../sys/outcome.h"

namespace tsrunc::launch {

// What the new process needs, prepared while nothing is shared with it.
struct Launch {
  int helper = -1;      // the sealed copy
  int* ours = nullptr;  // sync, plan, then the slots: what becomes first_fd and up
  int ours_count = 0;
  const int* preserved = nullptr;  // what the container keeps, ascending; all from 3 up
  int preserved_count = 0;
  unsigned long flags = 0;  // CLONE_NEW*, with is_init
  bool is_init = false;     // the helper is init, not the parent of it
  // Of the helper; only hooks of the runtime namespace need the caller's, and no process of a container may have it.
  char** environment = nullptr;
  int failed = 0;  // errno of the child, where it shares our memory until execve

  // The helper's first own descriptor: after the last that is the container's.
  int first_fd() const { return preserved_count == 0 ? 3 : preserved[preserved_count - 1] + 1; }
};

// Runs in a process that may share the memory of one that is stopped meanwhile (CLONE_VM, CLONE_VFORK): system calls
// only, and no write but to `launch`. Comes back only when it has failed, with a positive errno.
int BecomeHelper(Launch* launch);

}  // namespace tsrunc::launch
