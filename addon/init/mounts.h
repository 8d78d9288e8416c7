// Owns the attaching of one mount to one place of the container. Knows the mount API and, for kernels that lack it,
// mount(2) on /proc/self/fd. Does not know which mounts a container has.
#pragma once

#include "context.h"
#include "mount_flags.h"

namespace tsrunc::init {

constexpr int kDetach = 2;  // MNT_DETACH

struct Attributes {
  uint64_t set = 0, clear = 0;  // MOUNT_ATTR_*; atime is cleared as a whole where a new one is set
};

// mount_setattr(2) on the mount that `fd` stands for.
sys::Outcome SetAttributes(int fd, Attributes attributes, bool recursive);
// The same, by a remount where the kernel has no mount_setattr(2): then `fd` must be of a mount that is attached.
sys::Outcome ChangeAttributes(Context& context, int fd, Attributes attributes);
sys::Outcome ChangeByRemount(Context& context, int fd, Attributes attributes);
// The MOUNT_ATTR_* word of the mount that `fd` is in; MOUNT_ATTR_RDONLY also where only its filesystem is read-only.
sys::Outcome ReadAttributes(int fd, uint64_t* attributes);
// Applies MS_* propagation flags one after the other, each with MS_REC or without.
sys::Outcome SetPropagation(int fd, const plan::Numbers& flags);
// A detached copy of the mount at `path` (below `dir`), with everything below it when `recursive`.
sys::Outcome CloneMount(int dir, const char* path, bool recursive);
// A new detached mount of a filesystem, to be attached; of `ms_flags` those that are the superblock's count. `data` as
// in mount(2)'s fifth argument, already split at the commas.
sys::Outcome NewMount(Context& context, const char* type, const char* source, const plan::Strings* data,
                      const char* extra, uint64_t ms_flags, uint64_t attributes);
// The same for one that stays detached: it needs less of the mount API (Linux 5.2).
sys::Outcome NewDetached(Context& context, const char* type, const char* source, const plan::Strings* data,
                         const char* extra, uint64_t ms_flags, uint64_t attributes);
// Puts the detached mount `mount` onto `target`.
sys::Outcome Attach(int mount, int target);

// mount(2) on a descriptor, through the real procfs: the way of kernels before 5.2, and the faster one where there is
// no need of a descriptor of the mount. A null `source` stands for `from`.
sys::Outcome MountOnFd(Context& context, const char* source, int from, int target, const char* type, MsFlags flags,
                       const char* data);
// Takes away the mount that `mounted` is the root of; what is open in it stays until it is closed.
sys::Outcome DetachFd(Context& context, int mounted);

}  // namespace tsrunc::init
