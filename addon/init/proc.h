// Owns every access to /proc: through one descriptor of a procfs that is known to be real, never by a path from "/",
// and never through a link or a mount on top (CVE-2019-16884, CVE-2025-52881).
#pragma once

#include "context.h"

namespace tsrunc::init {

// Takes the host's /proc. Before any namespace is joined.
sys::Outcome OpenHostProc(Context& context);
// Takes a procfs of our own, or where the kernel refuses one, the /proc that is there if it is the root of a procfs.
sys::Outcome OpenPrivateProc(Context& context);
// Opens a file below it for writing.
sys::Outcome OpenInProc(Context& context, const char* path);

}  // namespace tsrunc::init
