// Owns what it means that a call is not to be had: the kernel is older than the call, which is ENOSYS; or a seccomp
// filter around this program is, and those of engines and sandboxes have long answered EPERM. Knows no call.
#pragma once

#include <linux/errno.h>

#include "outcome.h"

namespace tsrunc::sys {

// Whether to go the older way. Only for calls where that way asks the kernel for the same right: an EPERM that was the
// kernel's own comes back from there.
inline bool IsLacking(const Outcome& outcome) { return outcome.err() == ENOSYS || outcome.err() == EPERM; }

}  // namespace tsrunc::sys
