// Owns the joining of another process's namespaces. Knows no plan.
#pragma once

#include "context.h"

namespace tsrunc::init {

// `process`: a pidfd, or its directory in /proc (sys/process.h); `flags`: CLONE_NEW*.
sys::Outcome JoinNamespaces(Context& context, int process, uint64_t flags);

}  // namespace tsrunc::init
