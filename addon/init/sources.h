// Owns the sources of the host that init itself could not open: inside a user namespace its root may not enter every
// directory on the way. Knows paths and descriptors. Does not know what is mounted from them.
//
//   parent --fork--> opener, with the host's credentials       (prepareSources: before any user namespace is entered)
//     | clone3 ---------------------------------> init
//     | --- pid of init --> | joins init's mounts, so that what is locked there stays locked
//     |                     | --- descriptors --> |             (openSources)
//     | waits for its end   x                     | takes them in the order of the plan
//
// Where the opener cannot work (no CAP_SYS_ADMIN outside, no procfs) it ends, and init opens by path itself.
#pragma once

#include "context.h"

namespace tsrunc::init {

struct Source {
  const char* path;
  sys::UniqueFd fd = {};  // O_PATH; invalid where the path is open to us
};

// The next source of the plan. A failure is the opener's.
sys::Outcome FindSource(Context& context, Source* source);
// A detached copy of the mount that it is in, with everything below it when `recursive`.
sys::Outcome CloneSource(const Source& source, bool recursive);
// Makes sure of a descriptor, for kernels without open_tree(2).
sys::Outcome OpenSource(Source* source);

}  // namespace tsrunc::init
