// Owns the copying of a directory's content into a fresh tmpfs (mount option tmpcopyup). Knows only descriptors.
#pragma once

#include "../sys/outcome.h"

namespace tsrunc::init {

// Copies everything below directory `from` into directory `to`: files, directories, symbolic links and device nodes,
// with mode and owner. Never follows a link and never leaves `from`. At most 64 levels deep (ELOOP beyond).
sys::Outcome CopyUp(int from, int to, int depth = 0);

}  // namespace tsrunc::init
