// Owns the wait of a foreground `run` or `exec`: forwards signals, carries the terminal's bytes both ways, reaps.
// Freestanding like the helper. Knows no container.
#pragma once

#include "notify.h"

namespace tsrunc::supervise {

struct Options {
  int pid;            // the process whose end is awaited; a child of this process
  int terminal = -1;  // the master of its pseudoterminal, or -1: its stdio is ours
  Notify notify;      // where it may say that it is ready
};

// From here on, signals that are to be forwarded wait for Supervise instead of ending this process: between the start
// of a container and the wait for it, a SIGTERM would leave it running with nobody to tell. For the rest of the
// process.
sys::Outcome HoldSignals();

// Blocks until `pid` ends; `value` is its wait status, wait(2). Every other child that ends meanwhile is reaped, too
// (we may be their subreaper). The mode of our own terminal is restored whatever happens short of SIGKILL.
sys::Outcome Supervise(const Options& options);

}  // namespace tsrunc::supervise
